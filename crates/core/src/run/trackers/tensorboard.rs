//! TensorBoard's event files: TFRecord frames, each an `Event` message (tensorflow/core/util/event.proto,
//! summary.proto, plugins/hparams/plugin_data.proto). A run is a folder; its settings are written as text and as
//! hyperparameters.

use super::{File, Tracked};
use prost::Message;
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Clone, PartialEq, Message)]
struct EventProto {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<SummaryValue>,
}

#[derive(Clone, PartialEq, Message)]
struct SummaryValue {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
    #[prost(message, optional, tag = "8")]
    tensor: Option<TextTensor>,
    #[prost(message, optional, tag = "9")]
    metadata: Option<SummaryMetadata>,
}

#[derive(Clone, PartialEq, Message)]
struct SummaryMetadata {
    #[prost(message, optional, tag = "1")]
    plugin_data: Option<PluginData>,
}

#[derive(Clone, PartialEq, Message)]
struct PluginData {
    #[prost(string, tag = "1")]
    plugin_name: String,
    #[prost(bytes = "vec", tag = "2")]
    content: Vec<u8>,
}

/// A `TensorProto` with one string.
#[derive(Clone, PartialEq, Message)]
struct TextTensor {
    #[prost(int32, tag = "1")]
    dtype: i32,
    #[prost(bytes = "vec", repeated, tag = "8")]
    string_val: Vec<Vec<u8>>,
}

/// `DT_STRING`.
const STRING: i32 = 7;

#[derive(Clone, PartialEq, Message)]
struct HParams {
    #[prost(message, optional, tag = "3")]
    start: Option<SessionStart>,
    #[prost(message, optional, tag = "4")]
    end: Option<SessionEnd>,
}

#[derive(Clone, PartialEq, Message)]
struct SessionStart {
    #[prost(btree_map = "string, message", tag = "1")]
    hparams: BTreeMap<String, Text>,
    #[prost(string, tag = "4")]
    group_name: String,
    #[prost(double, tag = "5")]
    start_time_secs: f64,
}

#[derive(Clone, PartialEq, Message)]
struct SessionEnd {
    /// 1 is `STATUS_SUCCESS`.
    #[prost(int32, tag = "1")]
    status: i32,
    #[prost(double, tag = "2")]
    end_time_secs: f64,
}

/// A `google.protobuf.Value` with a string.
#[derive(Clone, PartialEq, Message)]
struct Text {
    #[prost(string, optional, tag = "3")]
    string_value: Option<String>,
}

/// The event file of a run. The same run gives the same bytes under the same name.
pub fn files(tracked: &Tracked) -> Vec<File> {
    let (begin, end) = (seconds(tracked.started), seconds(tracked.ended));
    let mut events =
        vec![EventProto { wall_time: begin, file_version: Some("brain.Event:2".into()), ..EventProto::default() }];
    let mut add = |wall_time: f64, step: i64, value: SummaryValue| {
        events.push(EventProto { wall_time, step, summary: Some(Summary { value: vec![value] }), file_version: None });
    };
    add(begin, 0, plugin("settings", "text", Vec::new(), Some(table(tracked))));
    let hparams = tracked.settings.iter().map(|(name, text)| (name.clone(), Text { string_value: Some(text.clone()) }));
    let start = SessionStart { hparams: hparams.collect(), group_name: tracked.run.clone(), start_time_secs: begin };
    add(begin, 0, session("_hparams_/session_start_info", HParams { start: Some(start), end: None }));
    for curve in &tracked.curves {
        for point in &curve.points {
            add(seconds(point.at), point.epoch, scalar(curve.name, point.value));
        }
    }
    for (name, value) in &tracked.figures {
        add(end, tracked.epoch, scalar(&format!("result/{name}"), *value));
    }
    let ended = SessionEnd { status: 1, end_time_secs: end };
    add(end, 0, session("_hparams_/session_end_info", HParams { start: None, end: Some(ended) }));
    let bytes = events.iter().flat_map(|event| record(&event.encode_to_vec())).collect();
    let name = format!("events.out.tfevents.{:010}.faceprobe", tracked.started / 1000);
    vec![(Path::new(&tracked.run).join(name), bytes)]
}

fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

fn scalar(tag: &str, value: f64) -> SummaryValue {
    SummaryValue { tag: tag.to_owned(), simple_value: Some(value as f32), ..SummaryValue::default() }
}

fn plugin(tag: &str, name: &str, content: Vec<u8>, text: Option<String>) -> SummaryValue {
    let plugin_data = Some(PluginData { plugin_name: name.to_owned(), content });
    SummaryValue {
        tag: tag.to_owned(),
        simple_value: None,
        tensor: text.map(|text| TextTensor { dtype: STRING, string_val: vec![text.into_bytes()] }),
        metadata: Some(SummaryMetadata { plugin_data }),
    }
}

fn session(tag: &str, data: HParams) -> SummaryValue {
    plugin(tag, "hparams", data.encode_to_vec(), None)
}

/// The settings as a Markdown table, the format of TensorBoard's texts.
fn table(tracked: &Tracked) -> String {
    let mut text = "| setting | value |\n|---|---|\n".to_owned();
    let label = [("title", &tracked.label.title), ("note", &tracked.label.note)];
    let label = label.into_iter().filter(|(_, text)| !text.is_empty());
    let settings = tracked.settings.iter().map(|(name, value)| (name.as_str(), value));
    for (name, value) in label.chain(settings) {
        let cell: String = value
            .chars()
            .map(|c| match c {
                '|' | '\\' | '<' | '>' | '`' | '*' | '_' | '[' | ']' | '&' => format!("&#{};", u32::from(c)),
                c if c.is_control() => " ".to_owned(),
                c => c.to_string(),
            })
            .collect();
        text += &format!("| {name} | {cell} |\n");
    }
    text
}

/// A record: its length, the length's checksum, the bytes, their checksum.
fn record(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    let mut framed = Vec::with_capacity(bytes.len() + 16);
    framed.extend(length);
    framed.extend(masked(&length).to_le_bytes());
    framed.extend(bytes);
    framed.extend(masked(bytes).to_le_bytes());
    framed
}

/// The masked checksum, which may be part of checksummed data.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The record of TensorFlow's own tests (`record_writer_test`, `python/lib/io/tf_record_test`): CRC-32C and its
    /// mask for known bytes.
    #[test]
    fn checksums_are_masked_as_tensorflow_does_it() {
        // RFC 3720, B.4: the CRC of 32 zero bytes is 0x8a9136aa.
        assert_eq!(masked(&[0; 32]), 0x8a91_36aa_u32.rotate_right(15).wrapping_add(0xa282_ead8));
        let framed = record(b"abc");
        assert_eq!((framed.len(), &framed[..8], &framed[12..15]), (19, &3u64.to_le_bytes()[..], &b"abc"[..]));
    }
}
