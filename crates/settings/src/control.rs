//! Characters that no text on a screen may have.

/// Whether a character does something to a terminal or to the order of the text around it: control characters (C0, DEL,
/// C1), Unicode's bidirectional controls (the property `Bidi_Control`) and its separators of lines and paragraphs.
pub fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
