//! Colours that stand beside one another can be told apart, whichever of the three kinds of cones an eye lacks.

use super::*;

type Matrix = [[f64; 3]; 3];

/// What an eye sees that lacks one kind of cones, in linear RGB; first one that lacks none. After Machado, Oliveira and Fernandes (2009).
const EYES: [(&str, Matrix); 4] = [
    ("all", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    ("no red", [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    ("no green", [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
    ("no blue", [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]),
];
/// In CIELAB, where two is what a careful eye just sees.
const APART: f64 = 14.0;

/// The sixteen are xterm's here; others have similar ones.
const SIXTEEN: [u32; 16] = [
    0x00_0000, 0xcd_0000, 0x00_cd00, 0xcd_cd00, 0x00_00ee, 0xcd_00cd, 0x00_cdcd, 0xe5_e5e5, 0x7f_7f7f, 0xff_0000, 0x00_ff00, 0xff_ff00,
    0x5c_5cff, 0xff_00ff, 0x00_ffff, 0xff_ffff,
];

/// From 0 to 1, linear.
fn rgb(number: u8) -> [f64; 3] {
    let bytes = match number {
        0..16 => SIXTEEN[usize::from(number)].to_be_bytes()[1..].try_into().unwrap(),
        16..232 => [36, 6, 1].map(|part| [0, 95, 135, 175, 215, 255][usize::from((number - 16) / part % 6)]),
        _ => [8 + 10 * (number - 232); 3],
    };
    bytes.map(|byte| {
        let share = f64::from(byte) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    })
}

fn times(matrix: &Matrix, colour: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(colour).map(|(part, value)| part * value).sum::<f64>())
}

fn lab(colour: [f64; 3]) -> [f64; 3] {
    let xyz =
        times(&[[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], colour.map(|part| part.clamp(0.0, 1.0)));
    let bent = |share: f64| if share > 0.008856 { share.cbrt() } else { 7.787 * share + 16.0 / 116.0 };
    let [x, y, z] = [bent(xyz[0] / 0.9505), bent(xyz[1]), bent(xyz[2] / 1.089)];
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn apart(one: u8, other: u8, eye: &Matrix) -> f64 {
    let [one, other] = [one, other].map(|number| lab(times(eye, rgb(number))));
    one.iter().zip(other).map(|(one, other)| (one - other).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn every_eye_tells_apart_what_stands_together() {
    for theme in [Theme::Dark, Theme::Light, Theme::Sixteen] {
        let palette = Palette::new(theme);
        let together = [
            vec![palette.p50, palette.p95, palette.p99],
            vec![palette.used, palette.idle, palette.warn],
            vec![palette.used, palette.disk, palette.server, palette.warn],
            vec![palette.used, palette.database, palette.warn],
            vec![palette.response, palette.service],
            palette.series.to_vec(),
            vec![palette.good, palette.bad],
        ];
        for styles in together {
            // What has no colour of its own is text or a pattern.
            let colours: Vec<u8> =
                styles.iter().filter_map(|style| if let Some(Color::Indexed(number)) = style.fg { Some(number) } else { None }).collect();
            for (place, one) in colours.iter().enumerate() {
                for other in &colours[place + 1..] {
                    for (eye, matrix) in &EYES {
                        let distance = apart(*one, *other, matrix);
                        assert!(distance >= APART, "{theme:?}: {one} and {other} are {distance:.0} apart for {eye}");
                    }
                }
            }
        }
    }
}
