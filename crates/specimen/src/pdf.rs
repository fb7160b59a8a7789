//! PDF files of pictures, as a scanner makes them.

use image::RgbImage;

use crate::to_jpeg;

/// Points (1/72 inch) to which a pixel is set: 245 dots to an inch, as the specimens are drawn.
const POINTS_PER_PIXEL: f32 = 72.0 / 245.0;

/// A PDF with one picture on each page, compressed as JPEG of `quality` (1 to 100).
pub fn to_pdf(pages: &[RgbImage], quality: u8) -> Vec<u8> {
    let mut file = PdfFile::default();
    let kids: Vec<String> = (0..pages.len()).map(|page| format!("{} 0 R", 3 + 3 * page)).collect();
    file.object("<< /Type /Catalog /Pages 2 0 R >>", None);
    file.object(
        &format!("<< /Type /Pages /Count {} /Kids [{}] >>", pages.len(), kids.join(" ")),
        None,
    );
    for (index, page) in pages.iter().enumerate() {
        let (contents, picture) = (4 + 3 * index, 5 + 3 * index);
        let (across, down) = (page.width(), page.height());
        let width = across as f32 * POINTS_PER_PIXEL;
        let height = down as f32 * POINTS_PER_PIXEL;
        file.object(
            &format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:.2} {height:.2}] /Contents {contents} 0 R \
                 /Resources << /XObject << /Picture {picture} 0 R >> >> >>"
            ),
            None,
        );
        let draw = format!("{width:.2} 0 0 {height:.2} 0 0 cm /Picture Do");
        file.object(&format!("<< /Length {} >>", draw.len()), Some(draw.as_bytes()));
        let jpeg = to_jpeg(page, quality);
        file.object(
            &format!(
                "<< /Type /XObject /Subtype /Image /Width {across} /Height {down} /ColorSpace /DeviceRGB \
                 /BitsPerComponent 8 /Filter /DCTDecode /Length {} >>",
                jpeg.len()
            ),
            Some(&jpeg),
        );
    }
    file.finish()
}

/// A PDF that grows object by object; objects are numbered from 1.
#[derive(Default)]
struct PdfFile {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl PdfFile {
    fn object(&mut self, dictionary: &str, stream: Option<&[u8]>) {
        if self.bytes.is_empty() {
            self.bytes.extend_from_slice(b"%PDF-1.4\n");
        }
        self.places.push(self.bytes.len());
        let number = self.places.len();
        self.bytes
            .extend_from_slice(format!("{number} 0 obj\n{dictionary}\n").as_bytes());
        if let Some(stream) = stream {
            self.bytes.extend_from_slice(b"stream\n");
            self.bytes.extend_from_slice(stream);
            self.bytes.extend_from_slice(b"\nendstream\n");
        }
        self.bytes.extend_from_slice(b"endobj\n");
    }

    fn finish(mut self) -> Vec<u8> {
        let table = self.bytes.len();
        let size = self.places.len() + 1;
        self.bytes
            .extend_from_slice(format!("xref\n0 {size}\n0000000000 65535 f \n").as_bytes());
        for place in &self.places {
            self.bytes
                .extend_from_slice(format!("{place:010} 00000 n \n").as_bytes());
        }
        let trailer = format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n");
        self.bytes.extend_from_slice(trailer.as_bytes());
        self.bytes
    }
}
