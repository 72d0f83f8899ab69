//! The benchmark's pooled input.

use super::*;
use faceprobe_core::error::ErrorKind;
use faceprobe_core::monitor::Silent;
use faceprobe_engine::features::{PooledPixels, Store, extract};

#[test]
fn a_row_holds_the_sum_of_each_block() {
    let source = PooledPixels::new(12, 4).unwrap();
    let pixel = |y: usize, x: usize, channel: usize| ((y * 31 + x * 17 + channel * 101) % 256) as u8;
    let rgb = (0..12 * 12 * 3).map(|place| pixel(place / 36, place / 3 % 12, place % 3)).collect();
    let white = Pixels::new(12, 12, vec![255; 12 * 12 * 3]).unwrap();
    let batch = [white, Pixels::new(12, 12, rgb).unwrap()];
    let Rows::U16(rows) = source.worker().unwrap().rows(&batch).unwrap() else { panic!("not u16") };
    assert_eq!(rows.dim(), (2, source.width()));
    assert!(rows.row(0).iter().all(|&sum| sum == 16 * 255));
    assert!(source.averages(rows.row(0)).all(|average| average == 1.0));
    for (place, &sum) in rows.row(1).iter().enumerate() {
        let (y, x, channel) = (place / 9 * 4, place / 3 % 3 * 4, place % 3);
        let block = (0..16).map(|inner| u16::from(pixel(y + inner / 4, x + inner % 4, channel)));
        assert_eq!(sum, block.sum::<u16>());
    }
}

#[test]
fn only_pools_whose_sums_fit_are_accepted() {
    for (input, pool) in [(224, 0), (224, 17), (224, 3), (0, 1), (34, 17)] {
        assert_eq!(PooledPixels::new(input, pool).unwrap_err().kind(), ErrorKind::Usage, "{input} {pool}");
    }
    let source = PooledPixels::new(32, 16).unwrap();
    let white = Pixels::new(32, 32, vec![255; 32 * 32 * 3]).unwrap();
    let Rows::U16(rows) = source.worker().unwrap().rows(&[white]).unwrap() else { panic!("not u16") };
    assert!(rows.iter().all(|&sum| sum == 65280));
}

#[test]
fn pooled_pixels_go_through_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let items = pictures(folder.path(), 10);
    let source = PooledPixels::new(SIDE, 4).unwrap();
    let mut store = Store::open(&folder.path().join("cache"), &source.identity()).unwrap();
    extract(&mut store, &source, &items, &options(2, 4, 100), &Silent).unwrap();
    let mut rows = Array2::<u16>::zeros((10, source.width()));
    store.gather_u16_into(&keys(&items), &mut rows.view_mut()).unwrap();
    for (number, row) in rows.rows().into_iter().enumerate() {
        let sums = colour(number).map(|value| u16::from(value) * 16);
        assert!(row.iter().enumerate().all(|(place, &sum)| sum == sums[place % 3]), "{number}");
    }
}
