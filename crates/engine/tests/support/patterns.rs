//! Generated images and values, the same as in `fixtures/face_reference.py` and `fixtures/parity_reference.py`.

use faceprobe_core::imaging::Pixels;

/// `picture` of the fixture scripts.
pub fn picture(number: u32, width: u32, height: u32) -> Pixels {
    let mut rgb = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for c in 0..3_u32 {
                let mut h = x.wrapping_mul(73_856_093)
                    ^ y.wrapping_mul(19_349_663)
                    ^ c.wrapping_mul(83_492_791)
                    ^ number.wrapping_mul(2_654_435_761);
                h ^= h >> 13;
                h = h.wrapping_mul(0x5BD1_E995);
                h ^= h >> 15;
                let wave = ((x * (number + 2) + y * (number + 1)) >> 1) & 255;
                rgb.push((wave.min(255 - wave) + (h & 63) + 16 * c) as u8);
            }
        }
    }
    Pixels::new(width as usize, height as usize, rgb).unwrap()
}

/// `uniform` of the fixture scripts: numbers in -1/2 .. 1/2 that follow from a name.
pub fn uniform(name: &str, count: usize) -> impl Iterator<Item = f64> + use<> {
    let seed = name.bytes().fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (0..count as u32).map(move |counter| {
        let mut h = counter.wrapping_mul(0x9E37_79B1).wrapping_add(seed);
        h ^= h >> 16;
        h = h.wrapping_mul(0x85EB_CA6B);
        h ^= h >> 13;
        h = h.wrapping_mul(0xC2B2_AE35);
        h ^= h >> 16;
        f64::from(h >> 8) / f64::from(1 << 24) - 0.5
    })
}
