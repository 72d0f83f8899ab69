//! Pictures on the screen: a thread decodes and scales them, a bounded store keeps them, drawing only takes what is
//! there and notes what it misses.

use super::event::Event;
use super::theme::{Palette, Theme};
use super::widgets;
use faceprobe_core::imaging::Pixels;
use faceprobe_core::predict::{HeatMap, Method, Placement, overlay};
use image::{DynamicImage, RgbImage};
use ratatui::Frame;
use ratatui::layout::{Rect, Size};
use ratatui::text::Line;
use ratatui_image::picker::{Picker, ProtocolType};
use ratatui_image::protocol::Protocol;
use ratatui_image::{FilterType, Image, Resize};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

/// How many scaled pictures are kept: some pages of a contact sheet.
const KEPT: usize = 240;
/// Larger files are not worth the memory for a small picture, and are no photographs.
const LARGEST_FILE: u64 = 100 << 20;
/// The same for what is in them.
const LARGEST_PIXELS: u64 = 60_000_000;

/// The map of what speaks for an answer, and where in the picture it lies. Two are equal when they are one.
#[derive(Debug, Clone)]
pub struct Heat(Arc<(HeatMap, Placement)>);

impl Heat {
    /// Of a map over a part of the picture.
    pub fn new(map: HeatMap, placement: Placement) -> Self {
        Self(Arc::new((map, placement)))
    }

    /// How it came about, in a word.
    pub fn method(&self) -> &'static str {
        match self.0.0.method {
            Method::Cam => "activation map",
            Method::GradCam => "Grad-CAM",
        }
    }

    /// The picture with the map over it, in the picture's size.
    fn over(&self, image: DynamicImage) -> DynamicImage {
        let rgb = image.into_rgb8();
        let (width, height) = rgb.dimensions();
        let (map, placement) = &*self.0;
        let drawn = Pixels::new(width as usize, height as usize, rgb.clone().into_raw())
            .map(|pixels| overlay::overlay(&pixels, &[(map, *placement)]).into_rgb())
            .and_then(|bytes| RgbImage::from_raw(width, height, bytes));
        DynamicImage::ImageRgb8(drawn.unwrap_or(rgb))
    }
}

impl PartialEq for Heat {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Heat {}

impl Hash for Heat {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

/// What is drawn on a picture.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Marks {
    /// Frames: left, top, right, bottom in pixels of the upright picture.
    pub frames: Vec<[i32; 4]>,
    pub heat: Option<Heat>,
}

/// A picture in the size it is shown in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Want {
    pub path: PathBuf,
    /// In cells.
    pub size: (u16, u16),
    pub marks: Marks,
}

/// What became of a wanted picture.
#[derive(Clone)]
pub struct Picture {
    pub want: Want,
    pub outcome: Result<Protocol, String>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Picture").field("want", &self.want).field("error", &self.outcome.as_ref().err()).finish()
    }
}

/// What the thread is told.
pub enum Order {
    /// How pictures are made from now on.
    Use(Picker),
    /// What the last frame missed; older wishes are void.
    Make(Vec<Want>),
}

/// The pictures that are there, and what the frame in the making misses.
#[derive(Default)]
pub struct Pictures {
    /// None until the terminal has said how, and where no pictures are wanted.
    protocol: Option<ProtocolType>,
    kept: HashMap<Want, (Cell<u64>, Result<Protocol, String>)>,
    wanted: RefCell<Vec<Want>>,
    clock: Cell<u64>,
}

impl Pictures {
    /// From now on pictures can be shown in this way.
    pub fn can(&mut self, protocol: ProtocolType) {
        self.protocol = Some(protocol);
        self.kept.clear();
    }

    /// The terminal has lost what it was sent: everything is made anew.
    pub fn forget(&mut self) {
        self.kept.clear();
    }

    /// Whether pictures are shown at all; half blocks need colours.
    pub fn shown(&self, theme: Theme) -> bool {
        match self.protocol {
            None => false,
            Some(ProtocolType::Halfblocks) => !theme.ascii && theme.palette != Palette::Monochrome,
            Some(_) => true,
        }
    }

    /// Whether text can lie over pictures and be taken away again.
    fn covers(&self) -> bool {
        matches!(self.protocol, Some(ProtocolType::Halfblocks | ProtocolType::Kitty))
    }

    /// Takes a finished picture; the one that was not drawn for the longest time makes room.
    pub fn take(&mut self, picture: Picture) {
        self.kept.insert(picture.want, (Cell::new(self.tick()), picture.outcome));
        while self.kept.len() > KEPT {
            let oldest = self.kept.iter().min_by_key(|(_, (used, _))| used.get()).map(|(want, _)| want.clone());
            match oldest {
                Some(oldest) => self.kept.remove(&oldest),
                None => return,
            };
        }
    }

    /// What the last frame missed.
    pub fn missing(&self) -> Vec<Want> {
        self.wanted.take()
    }

    fn tick(&self) -> u64 {
        self.clock.set(self.clock.get() + 1);
        self.clock.get()
    }

    /// Draws the picture of a file in the middle of `area`, or notes that it is wanted. `under` tells that something
    /// lies over the screen.
    pub fn draw(&self, frame: &mut Frame, area: Rect, theme: Theme, path: &Path, marks: Marks, under: bool) {
        if area.width == 0 || area.height == 0 || !self.shown(theme) || under && !self.covers() {
            return;
        }
        let want = Want { path: path.to_owned(), size: (area.width, area.height), marks };
        match self.kept.get(&want) {
            Some((used, Ok(protocol))) => {
                used.set(self.tick());
                let size = protocol.size();
                let place = Rect {
                    x: area.x + area.width.saturating_sub(size.width) / 2,
                    y: area.y + area.height.saturating_sub(size.height) / 2,
                    width: size.width.min(area.width),
                    height: size.height.min(area.height),
                };
                frame.render_widget(Image::new(protocol).allow_clipping(true), place);
            }
            Some((used, Err(why))) => {
                used.set(self.tick());
                widgets::text(frame, area, vec![Line::styled(why.clone(), theme.bad())], 0);
            }
            None => self.wanted.borrow_mut().push(want),
        }
    }
}

/// Makes pictures until the other end of `orders` is gone. Wishes of older frames are forgotten.
pub fn make(orders: &Receiver<Order>, events: &Sender<Event>) {
    let mut picker: Option<Picker> = None;
    let mut wanted: Vec<Want> = Vec::new();
    let mut last: Option<Want> = None;
    loop {
        let first = if wanted.is_empty() || picker.is_none() {
            match orders.recv() {
                Ok(order) => Some(order),
                Err(_) => return,
            }
        } else {
            None
        };
        for order in first.into_iter().chain(orders.try_iter()) {
            match order {
                Order::Use(now) => picker = Some(now),
                Order::Make(missing) => wanted = missing,
            }
        }
        // The frame that asked may be older than the answer to it.
        if let Some(last) = last.take() {
            wanted.retain(|want| *want != last);
        }
        let Some(picker) = &picker else {
            continue;
        };
        if wanted.is_empty() {
            continue;
        }
        let want = wanted.remove(0);
        let outcome = picture(picker, &want);
        last = Some(want.clone());
        if events.send(Event::Picture(Box::new(Picture { want, outcome }))).is_err() {
            return;
        }
    }
}

fn picture(picker: &Picker, want: &Want) -> Result<Protocol, String> {
    let image = load(&want.path)?;
    let font = picker.font_size();
    let half = picker.protocol_type() == ProtocolType::Halfblocks;
    // Half blocks have two pixels in a cell, one over the other.
    let (across, down) = if half { (1, 2) } else { (u32::from(font.width), u32::from(font.height)) };
    let (width, height) = (u32::from(want.size.0) * across, u32::from(want.size.1) * down);
    let image = marked(image, &want.marks.frames, width.min(height).max(1));
    // Most of the way by averaging boxes, which is quick; the last step by the library, which knows the cells.
    let (width, height) = (width.max(1) * 2, height.max(1) * 2);
    let image = if image.width() > width || image.height() > height { image.thumbnail(width, height) } else { image };
    let image = match &want.marks.heat {
        Some(heat) => heat.over(image),
        None => image,
    };
    let size = Size::new(want.size.0, want.size.1);
    // Small pictures are enlarged, so that a contact sheet is even.
    let resize = Resize::Scale(Some(FilterType::Triangle));
    picker.new_protocol(image, size, resize).map_err(|error| format!("cannot be shown ({error})"))
}

/// The upright picture in a file, decoded as predictions decode it.
fn load(path: &Path) -> Result<DynamicImage, String> {
    let length = std::fs::metadata(path).map_err(|error| format!("cannot be read ({error})"))?.len();
    if length > LARGEST_FILE {
        return Err(format!("{} MiB are too much for a preview", length >> 20));
    }
    let reader = image::ImageReader::open(path).and_then(|reader| reader.with_guessed_format());
    let pixels = reader.ok().and_then(|reader| reader.into_dimensions().ok());
    if let Some((width, height)) =
        pixels.filter(|(width, height)| u64::from(*width) * u64::from(*height) > LARGEST_PIXELS)
    {
        return Err(format!("{width} x {height} pixels are too many for a preview"));
    }
    let bytes = std::fs::read(path).map_err(|error| format!("cannot be read ({error})"))?;
    let pixels = faceprobe_core::imaging::decode::decode(&bytes)?;
    let (width, height) = (pixels.width() as u32, pixels.height() as u32);
    RgbImage::from_raw(width, height, pixels.into_rgb())
        .map(DynamicImage::ImageRgb8)
        .ok_or_else(|| "cannot be shown".to_owned())
}

/// The picture with frames drawn on it, in a line that is still seen when it is `shown` pixels wide.
fn marked(image: DynamicImage, marks: &[[i32; 4]], shown: u32) -> DynamicImage {
    if marks.is_empty() {
        return image;
    }
    let mut image = image.into_rgb8();
    let (width, height) = (image.width() as i32, image.height() as i32);
    let line = (width.min(height) / shown as i32).clamp(1, 64) * 3 / 2;
    let colour = image::Rgb([86, 180, 233]);
    for &[left, top, right, bottom] in marks {
        let (left, top) = (left.clamp(0, width - 1), top.clamp(0, height - 1));
        let (right, bottom) = (right.clamp(left, width - 1), bottom.clamp(top, height - 1));
        for y in top..=bottom {
            for x in left..=right {
                let edge = (x - left).min(right - x).min(y - top).min(bottom - y);
                if edge < line.max(1) {
                    image.put_pixel(x as u32, y as u32, colour);
                }
            }
        }
    }
    DynamicImage::ImageRgb8(image)
}
