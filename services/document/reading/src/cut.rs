//! How a line of a zone is cut out of its page.

/// A way to cut a line out for tesseract.
#[derive(Clone, Copy)]
pub(crate) struct Cut {
    /// Pixels a cell.
    pub(crate) pitch: f32,
    /// Pixels down.
    pub(crate) height: usize,
    /// Cells of margin at either end.
    pub(crate) beside: f32,
    /// The bell by which the cut is smoothed, in pixels; 0 leaves it as it is.
    pub(crate) smooth: f32,
}
