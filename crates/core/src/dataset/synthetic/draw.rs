//! One subject in one scene as a picture, before light and camera.

use super::backdrop::{body, surroundings};
use super::canvas::Canvas;
use super::face::{self, Head};
use super::hair;
use super::person::Person;
use super::scene::Scene;
use tiny_skia::Pixmap;

/// Draws `person` in `scene`, `size` pixels wide and high; nothing if there is no pixmap of that size.
pub(super) fn draw(person: &Person, scene: &Scene, size: u32) -> Option<Pixmap> {
    let mut canvas = Canvas::new(size)?;
    surroundings(&mut canvas, scene);
    canvas.place(scene.centre, scene.scale, scene.tilt);
    let head = Head::of(person, scene);
    hair::behind(&mut canvas, person, &head);
    body(&mut canvas, person, scene);
    face::head(&mut canvas, person, scene, &head);
    hair::front(&mut canvas, person, scene, &head);
    if let Some(kind) = scene.hat {
        hair::hat(&mut canvas, person, scene, &head, kind);
    }
    Some(canvas.finish())
}
