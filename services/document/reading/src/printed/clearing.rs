//! Takes patterns, watermarks and uneven light off a page, so that its print alone is left.

use image::{GrayImage, Luma, imageops};

/// A way to clear a page.
#[derive(Clone, Copy)]
pub(crate) struct Clearing {
    /// How much larger the page becomes, in tenths.
    pub(crate) tenfold: u32,
    /// The bell by which it is smoothed, in pixels; against noise.
    pub(crate) smooth: f32,
    /// What is lighter becomes white: a share of the way from paper to ink.
    pub(crate) from: f32,
    /// What is darker becomes black.
    pub(crate) to: f32,
}

/// Side of the squares whose paper is measured, in pixels.
const SQUARE: u32 = 24;
/// Of a square's pixels this share is darker than its paper.
const PAPER_SHARE: f32 = 0.8;
/// Of a page's pixels about this share is ink.
const INK_SHARE: f32 = 0.015;
/// Ink is at least this much darker than paper; on a page without any, patterns are not blown up to print.
const PALEST_INK: f32 = 0.7;

/// The page with its paper white and its ink black.
pub(crate) fn cleared(gray: &GrayImage, way: Clearing) -> GrayImage {
    let (width, height) = (gray.width() * way.tenfold / 10, gray.height() * way.tenfold / 10);
    let larger = imageops::resize(gray, width.max(1), height.max(1), imageops::FilterType::CatmullRom);
    let page = if way.smooth > 0.0 {
        imageops::blur(&larger, way.smooth)
    } else {
        larger
    };
    let paper = paper(&page);
    let share = |x: u32, y: u32| {
        let paper = f32::from(paper.get_pixel(x, y).0[0]).max(1.0);
        (f32::from(page.get_pixel(x, y).0[0]) / paper).min(1.0)
    };
    let mut shares: Vec<f32> = page
        .enumerate_pixels()
        .step_by(7)
        .map(|(x, y, _)| share(x, y))
        .collect();
    let at = (shares.len() as f32 * INK_SHARE) as usize;
    let (_, ink, _) = shares.select_nth_unstable_by(at, f32::total_cmp);
    let depth = 1.0 - ink.min(PALEST_INK);
    GrayImage::from_fn(page.width(), page.height(), |x, y| {
        let darkness = ((1.0 - share(x, y)) / depth - way.from) / (way.to - way.from);
        Luma([(255.0 * (1.0 - darkness.clamp(0.0, 1.0))) as u8])
    })
}

/// The tone of the paper at every place.
fn paper(page: &GrayImage) -> GrayImage {
    let (columns, rows) = (page.width().div_ceil(SQUARE), page.height().div_ceil(SQUARE));
    let tones = GrayImage::from_fn(columns, rows, |column, row| {
        let (left, top) = (column * SQUARE, row * SQUARE);
        let right = (left + SQUARE).min(page.width());
        let bottom = (top + SQUARE).min(page.height());
        let mut tones: Vec<u8> = (top..bottom)
            .flat_map(|y| (left..right).map(move |x| page.get_pixel(x, y).0[0]))
            .collect();
        let at = ((tones.len() - 1) as f32 * PAPER_SHARE) as usize;
        Luma([*tones.select_nth_unstable(at).1])
    });
    let smooth = imageops::blur(&tones, 1.0);
    imageops::resize(&smooth, page.width(), page.height(), imageops::FilterType::Triangle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn print_stays_and_pattern_and_shadow_go() {
        // Paper that darkens to the right, with a faint pattern and three strokes of ink.
        let page = GrayImage::from_fn(400, 100, |x, y| {
            let light = 240.0 - x as f32 / 4.0;
            let is_ink = (40..60).contains(&y) && [50, 200, 350].iter().any(|left| (*left..left + 14).contains(&x));
            let is_pattern = (x + y) % 11 == 0;
            Luma([(light
                * if is_ink {
                    0.2
                } else if is_pattern {
                    0.88
                } else {
                    1.0
                }) as u8])
        });
        let way = Clearing {
            tenfold: 10,
            smooth: 0.0,
            from: 0.3,
            to: 0.7,
        };
        let clear = cleared(&page, way);
        for left in [50, 200, 350] {
            assert!(clear.get_pixel(left + 3, 50).0[0] < 20, "ink at {left}");
        }
        let paper = clear.enumerate_pixels().filter(|(_, y, _)| *y < 35);
        let (light, all) = paper.fold((0, 0), |(light, all), (_, _, tone)| {
            (light + u32::from(tone.0[0] > 230), all + 1)
        });
        assert!(light * 100 > all * 99, "{light} of {all}");
    }

    #[test]
    fn a_blank_page_stays_blank() {
        let page = GrayImage::from_fn(200, 200, |x, y| Luma([if (x + y) % 9 == 0 { 215 } else { 235 }]));
        let way = Clearing {
            tenfold: 15,
            smooth: 1.0,
            from: 0.3,
            to: 0.7,
        };
        assert!(cleared(&page, way).pixels().all(|tone| tone.0[0] > 200));
    }
}
