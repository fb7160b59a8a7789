//! A picture as numbers between pixels: darkness sampled anywhere, smoothed, and summed.

use image::GrayImage;

/// Darkness by pixel: 0.0 is white, 255.0 is black.
#[derive(Clone)]
pub(crate) struct Plane {
    pub(crate) width: usize,
    pub(crate) height: usize,
    samples: Vec<f32>,
}

impl Plane {
    pub(crate) fn of_darkness(gray: &GrayImage) -> Self {
        let samples = gray.as_raw().iter().map(|value| 255.0 - f32::from(*value)).collect();
        Self {
            width: gray.width() as usize,
            height: gray.height() as usize,
            samples,
        }
    }

    pub(crate) fn from_samples(width: usize, height: usize, samples: Vec<f32>) -> Self {
        assert_eq!(samples.len(), width * height, "a plane has one sample per pixel");
        Self { width, height, samples }
    }

    #[inline(always)]
    pub(crate) fn row(&self, y: usize) -> &[f32] {
        &self.samples[y * self.width..(y + 1) * self.width]
    }

    /// Darkness at a point between pixels; beyond the edge it goes on as at the edge.
    #[inline(always)]
    pub(crate) fn at(&self, x: f32, y: f32) -> f32 {
        let x = x.clamp(0.0, (self.width - 1) as f32);
        let y = y.clamp(0.0, (self.height - 1) as f32);
        let (left, top) = (x as usize, y as usize);
        let (right, below) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (dx, dy) = (x - left as f32, y - top as f32);
        let (upper, lower) = (self.row(top), self.row(below));
        let above = upper[left] + (upper[right] - upper[left]) * dx;
        let under = lower[left] + (lower[right] - lower[left]) * dx;
        above + (under - above) * dy
    }

    /// Darkness at points in a row, `count` of them from one on, each as far from the one before. Where the first and the
    /// last are well inside, all are, and none is held to the edges.
    #[inline(always)]
    pub(crate) fn along(&self, (x, y): (f32, f32), (dx, dy): (f32, f32), count: usize, samples: &mut Vec<f32>) {
        let last = (x + dx * (count - 1) as f32, y + dy * (count - 1) as f32);
        let (right, bottom) = ((self.width as f32) - 2.0, (self.height as f32) - 2.0);
        let is_inside = |(x, y): (f32, f32)| x >= 1.0 && y >= 1.0 && x < right && y < bottom;
        if !is_inside((x, y)) || !is_inside(last) {
            samples.extend((0..count).map(|step| self.at(x + dx * step as f32, y + dy * step as f32)));
            return;
        }
        samples.extend((0..count).map(|step| {
            let (x, y) = (x + dx * step as f32, y + dy * step as f32);
            // A whole number of 32 bits is one instruction away from a float, one of 64 is not.
            let (left, top) = (x as i32 as usize, y as i32 as usize);
            let (dx, dy) = (x - left as i32 as f32, y - top as i32 as f32);
            let near = &self.samples[top * self.width + left..][..self.width + 2];
            let above = near[0] + (near[1] - near[0]) * dx;
            let under = near[self.width] + (near[self.width + 1] - near[self.width]) * dx;
            above + (under - above) * dy
        }));
    }

    /// Half as large, each sample the mean of four.
    pub(crate) fn halved(&self) -> Self {
        let (width, height) = ((self.width / 2).max(1), (self.height / 2).max(1));
        let mut samples = Vec::with_capacity(width * height);
        for y in 0..height {
            let (upper, lower) = (
                self.row((2 * y).min(self.height - 1)),
                self.row((2 * y + 1).min(self.height - 1)),
            );
            for x in 0..width {
                let next = (2 * x + 1).min(self.width - 1);
                samples.push((upper[2 * x] + upper[next] + lower[2 * x] + lower[next]) / 4.0);
            }
        }
        Self { width, height, samples }
    }

    /// Smoothed by a bell of `sigma` pixels.
    pub(crate) fn smoothed(&self, sigma: f32) -> Self {
        if sigma < 0.1 {
            return self.clone();
        }
        let reach = (3.0 * sigma).ceil() as i64;
        let bell: Vec<f32> = (-reach..=reach)
            .map(|i| (-(i as f32).powi(2) / (2.0 * sigma * sigma)).exp())
            .collect();
        let sum: f32 = bell.iter().sum();
        let bell: Vec<f32> = bell.iter().map(|weight| weight / sum).collect();
        let clamp = |at: i64, size: usize| at.clamp(0, size as i64 - 1) as usize;
        let mut across = vec![0.0; self.samples.len()];
        // A row that goes on beyond its edges, so that no tap has to look where it is.
        let mut longer = vec![0.0; self.width + 2 * reach as usize];
        for y in 0..self.height {
            let row = self.row(y);
            longer[..reach as usize].fill(row[0]);
            longer[reach as usize..][..self.width].copy_from_slice(row);
            longer[reach as usize + self.width..].fill(row[self.width - 1]);
            let sums = &mut across[y * self.width..(y + 1) * self.width];
            for (i, weight) in bell.iter().enumerate() {
                for (sum, value) in sums.iter_mut().zip(&longer[i..]) {
                    *sum += weight * value;
                }
            }
        }
        let mut samples = vec![0.0; self.samples.len()];
        for y in 0..self.height {
            let sums = &mut samples[y * self.width..(y + 1) * self.width];
            for (i, weight) in bell.iter().enumerate() {
                let from = clamp(y as i64 + i as i64 - reach, self.height) * self.width;
                for (sum, value) in sums.iter_mut().zip(&across[from..]) {
                    *sum += weight * value;
                }
            }
        }
        Self { samples, ..*self }
    }

    /// As a picture whose darkest and lightest hundredth become black and white.
    pub(crate) fn to_gray(&self) -> GrayImage {
        let mut sorted: Vec<f32> = self.samples.clone();
        sorted.sort_by(f32::total_cmp);
        let share = |share: f32| sorted[((sorted.len() - 1) as f32 * share) as usize];
        let (light, dark) = (share(0.01), share(0.99));
        self.to_gray_between(light, dark)
    }

    /// As a picture in which the darkness `light` is white and `dark` is black.
    pub(crate) fn to_gray_between(&self, light: f32, dark: f32) -> GrayImage {
        let span = (dark - light).max(1.0);
        let bytes = self
            .samples
            .iter()
            .map(|value| (255.0 - (value - light) / span * 255.0).clamp(0.0, 255.0) as u8)
            .collect();
        GrayImage::from_raw(self.width as u32, self.height as u32, bytes).expect("a plane has one sample per pixel")
    }
}
