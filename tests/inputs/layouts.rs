//! Layouts of other data sets: UTKFace's names, CelebA, LFW.

use crate::{Place, dropped, manifest, number, per_split, picture, usable, warned};
use image::ImageFormat;

#[test]
fn names_of_utkface_are_read_with_the_endings_it_has() {
    let place = Place::new();
    let (good, bad) = (
        [
            "a.jpg",
            "b.jpg.chip.jpg",
            "c jpg.chip.jpg",
            "djpg.chip.jpg",
            "e.PG",
            "f.jpeg",
            "g.png",
            "h",
            "iJPG",
            "j.jpg (1)",
        ],
        [
            "39_1_20170116174525125.jpg",
            "53__0_20170116.jpg",
            "_1_0_20170116.jpg",
            "200_1_0_20170116.jpg",
            "5_0_0_2017_copy.jpg",
            "me.jpg",
        ],
    );
    for (n, name) in (0..).zip(good) {
        // The letter is only there to tell them apart.
        place.put(&format!("utk/2{n}_{}_0_2017011{n}{}", n % 2, &name[1..]), picture(n, ImageFormat::Jpeg));
    }
    bad.iter().zip(100..).for_each(|(name, tint)| place.put(&format!("utk/{name}"), picture(tint, ImageFormat::Jpeg)));
    let report = place.report("utkface:utk", &[]);
    assert_eq!((usable(&report), dropped(&report, "malformed_row")), ([5, 5], bad.len() as u64), "{report:#}");
}

/// CelebA's lists of twelve images: three of each class in training, one in validation, two in test.
fn celeba(place: &Place, folder: &str) {
    let (mut attributes, mut splits, mut people) =
        ("12\nEyeglasses Male Young\n".to_owned(), String::new(), String::new());
    for n in 0..12u32 {
        let image = format!("{:06}.jpg", n + 1);
        attributes += &format!("{image}  -1 {:2}  1\n", if n % 2 == 0 { -1 } else { 1 });
        splits += &format!("{image} {}\n", [0, 0, 0, 1, 2, 2][n as usize / 2]);
        people += &format!("{image} {}\n", 2880 + n);
        place.put(&format!("{folder}/img_align_celeba/{image}"), picture(n, ImageFormat::Jpeg));
    }
    place.put(&format!("{folder}/list_attr_celeba.txt"), attributes + "000013.jpg -1\n");
    place.put(&format!("{folder}/list_eval_partition.txt"), splits);
    place.put(&format!("{folder}/identity_CelebA.txt"), people);
}

#[test]
fn celeba_has_its_splits_people_and_attributes() {
    let place = Place::new();
    celeba(&place, "celeba");
    let report = place.report("celeba:celeba", &[]);
    assert_eq!(per_split(&report), [[3, 3], [1, 1], [2, 2]], "{report:#}");
    assert_eq!((dropped(&report, "malformed_row"), report["subjects"].as_u64()), (1, Some(12)));
    assert!(manifest(&place.workspace()).contains("img_align_celeba/000002.jpg,male,train,2881,"));
    // As Kaggle has it: CSV, and the folder twice.
    let mut text = "image_id,Young,Male\n".to_owned();
    let mut splits = "image_id,partition\n".to_owned();
    for n in 0..12u32 {
        text += &format!("{n:06}.jpg,1,{}\n", if n % 2 == 0 { "-1" } else { "1" });
        splits += &format!("{n:06}.jpg,{}\n", n / 4);
        place.put(&format!("kaggle/img_align_celeba/img_align_celeba/{n:06}.jpg"), picture(n, ImageFormat::Jpeg));
    }
    place.put("kaggle/list_attr_celeba.csv", text);
    place.put("kaggle/list_eval_partition.csv", splits);
    assert_eq!(per_split(&place.report("celeba:kaggle", &[])), [[2, 2], [2, 2], [2, 2]]);
    std::fs::remove_file(place.at("celeba/list_eval_partition.txt")).expect("removed");
    let report = place.report("celeba:celeba", &[]);
    assert!(warned(&report, "no list_eval_partition.txt") && usable(&report) == [6, 6]);
    assert!(place.prepare("celeba:workspace", &[]).expect_err("refused").contains("list_attr_celeba.txt"));
}

#[test]
fn lfw_has_people_and_the_lists_say_their_genders() {
    let place = Place::new();
    let people =
        ["Ann_Lee", "Bea_Day", "Cy_Fox", "Di_Ox", "Al_Gray", "Bob_Hill", "Carl_Ivy", "Dan_Joy", "Nobody_Knows"];
    let mut lists = [String::new(), String::new()];
    for (n, person) in (0..).zip(people) {
        for image in 1..=2u32 {
            place.put(&format!("lfw/{person}/{person}_{image:04}.jpg"), picture(10 * n + image, ImageFormat::Jpeg));
        }
        let line = if n % 2 == 0 { format!("{person}_0001.jpg\r\n") } else { format!("{person}\r\n") };
        if n < 8 {
            lists[n as usize / 4] += &line;
        }
    }
    place.put("lfw/female_names.txt", &lists[0]);
    place.put("lfw/male_names.txt", &lists[1]);
    let report = place.report("lfw:lfw", &[]);
    assert_eq!((usable(&report), dropped(&report, "unknown_label")), ([8, 8], 2), "{report:#}");
    assert_eq!(report["subjects"].as_u64(), Some(8));
    std::fs::remove_file(place.at("lfw/male_names.txt")).expect("removed");
    assert!(place.prepare("lfw:lfw", &[]).expect_err("refused").contains("has no male_names.txt"));
    assert_eq!(number(&report["rows"]), 20);
}
