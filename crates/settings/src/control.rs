//! Characters that must not appear in text on a screen.

/// Whether a character controls the terminal or the order of the text around it: control characters (C0, DEL, C1),
/// Unicode's bidirectional controls (the property `Bidi_Control`) and its line and paragraph separators.
pub fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
