//! Extracts the part of an ONNX model that computes certain values, as a model of its own.
//!
//! ONNX Runtime computes a whole graph whatever is asked of it, and gives what is declared as output only. So what is run
//! is a graph cut down to the wanted values. On the way it is looked at as a file from a stranger: everything that the
//! runtime is given is in what comes out, is defined once, and depends on nothing that depends on it. Numbers that lie in
//! files beside the model are taken into it, so that the runtime never opens one. Memory stays within a small multiple of
//! the length of the files; nodes and numbers are passed on as they are written.

use super::onnx::{ExternalData, MAX_OTHERS, fields, integers, without};
use super::{Siblings, shown};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Field numbers of onnx.proto.
mod field {
    pub const MODEL_IR_VERSION: u64 = 1;
    pub const MODEL_GRAPH: u64 = 7;
    pub const MODEL_OPSET: u64 = 8;
    pub const MODEL_FUNCTION: u64 = 25;
    pub const GRAPH_NODE: u64 = 1;
    pub const GRAPH_INITIALIZER: u64 = 5;
    pub const GRAPH_INPUT: u64 = 11;
    pub const GRAPH_OUTPUT: u64 = 12;
    pub const GRAPH_SPARSE: u64 = 15;
    pub const NODE_INPUT: u64 = 1;
    pub const NODE_OUTPUT: u64 = 2;
    pub const NODE_ATTRIBUTE: u64 = 5;
    pub const ATTRIBUTE_TENSOR: u64 = 5;
    pub const ATTRIBUTE_GRAPH: u64 = 6;
    pub const ATTRIBUTE_TENSORS: u64 = 10;
    pub const ATTRIBUTE_GRAPHS: u64 = 11;
    pub const TENSOR_DIMS: u64 = 1;
    pub const TENSOR_TYPE: u64 = 2;
    pub const TENSOR_NAME: u64 = 8;
    pub const TENSOR_RAW: u64 = 9;
    pub const TENSOR_EXTERNAL: u64 = 13;
    pub const TENSOR_LOCATION: u64 = 14;
    pub const VALUE_NAME: u64 = 1;
}

/// Maximum number of nodes; the largest networks have some ten thousand.
const MOST_NODES: usize = 200_000;
/// Graphs within nodes of graphs.
const DEEPEST: usize = 8;
/// No model is longer, since protobuf refuses it.
pub const LARGEST: usize = 2 << 30;

/// A graph, its parts still encoded.
struct Graph {
    nodes: Vec<Node>,
    /// By name.
    initializers: BTreeMap<Bytes, Bytes>,
    /// In order, with their names; initializers among them as well.
    inputs: Vec<(Bytes, Bytes)>,
    outputs: Vec<Bytes>,
}

struct Node {
    message: Bytes,
    /// Its inputs, including those of its subgraphs.
    inputs: Vec<Bytes>,
    outputs: Vec<Bytes>,
}

/// A model that outputs the wanted values only.
#[derive(Debug)]
pub struct Cut {
    pub model: Vec<u8>,
    /// The name of its only input.
    pub input: String,
    /// The files whose numbers are in it, by the names that the model has for them.
    pub others: BTreeMap<String, Bytes>,
}

/// Names of the values that a model declares as its outputs.
///
/// # Errors
/// As [`cut`].
pub fn outputs(file: &Bytes) -> Result<Vec<String>, String> {
    graph_of(file)?.outputs.iter().map(text).collect()
}

/// Cuts a model down to `wanted`. `beside` finds the files that tensors have their numbers in, or says why not, as a reason
/// without a subject.
///
/// # Errors
/// A reason without a subject: a file that is no model or is damaged; other files that are not there or are shorter than
/// said, more numbers than there are; values that are not there, are defined twice or depend on themselves; more or less
/// than one input; more than a model can hold.
pub fn cut(file: &Bytes, wanted: &[String], beside: &Siblings<'_>) -> Result<Cut, String> {
    let graph = graph_of(file)?;
    // Which node gives a value.
    let mut giver: HashMap<&Bytes, usize> = HashMap::new();
    for (place, node) in graph.nodes.iter().enumerate() {
        for output in node.outputs.iter().filter(|name| !name.is_empty()) {
            if giver.insert(output, place).is_some() || graph.initializers.contains_key(output) {
                return Err(format!("gives its value `{}` twice", name(output)));
            }
        }
    }
    let fed: HashSet<&Bytes> =
        graph.inputs.iter().map(|(name, _)| name).filter(|name| !graph.initializers.contains_key(*name)).collect();
    let mut needed = Needed::default();
    for value in wanted {
        let value = Bytes::copy_from_slice(value.as_bytes());
        let Some(&place) = giver.get(&value) else {
            let declared: Vec<String> =
                graph.outputs.iter().take(5).map(|output| format!("`{}`", name(output))).collect();
            return Err(format!(
                "has no node that gives `{}`; its outputs are {}, and Netron (netron.app) shows the values within",
                name(&value),
                declared.join(", ")
            ));
        };
        needed.follow(place, &graph, &giver, &fed)?;
    }
    let mut fed: Vec<&Bytes> = needed.inputs.into_iter().collect();
    let (Some(input), true) = (fed.pop(), fed.is_empty()) else {
        return Err("takes other inputs than one picture; export it with the picture as the only input".into());
    };
    let mut out = Encoded::default();
    for &place in &needed.nodes {
        out.message(field::GRAPH_NODE, &graph.nodes[place].message);
    }
    // A graph has to have a name.
    out.message(2, b"graph");
    let mut others = BTreeMap::new();
    for (name, message) in &graph.initializers {
        if needed.initializers.contains(name) {
            if is_elsewhere(message)? {
                out.message(field::GRAPH_INITIALIZER, &taken_in(name, message, &mut others, beside)?);
            } else {
                out.message(field::GRAPH_INITIALIZER, message);
            }
            if out.0.len() > LARGEST {
                return Err("has more than 2 GB of numbers, which no ONNX model in one piece can have".into());
            }
        }
    }
    for (_, message) in graph.inputs.iter().filter(|(name, _)| name == input) {
        out.message(field::GRAPH_INPUT, message);
    }
    for value in wanted {
        let mut output = Encoded::default();
        output.message(field::VALUE_NAME, value.as_bytes());
        out.message(field::GRAPH_OUTPUT, &output.0);
    }
    let mut model = Encoded::default();
    if let Some(version) = ir_version(file) {
        model.varint(field::MODEL_IR_VERSION << 3);
        model.varint(version);
    }
    model.message(field::MODEL_GRAPH, &out.0);
    for opset in fields(file.clone(), field::MODEL_OPSET) {
        model.message(field::MODEL_OPSET, &opset?);
    }
    Ok(Cut { model: model.0, input: text(input)?, others })
}

/// The nodes and tensors that the wanted values need.
#[derive(Default)]
struct Needed<'a> {
    /// In the order of the file.
    nodes: BTreeSet<usize>,
    initializers: HashSet<&'a Bytes>,
    inputs: HashSet<&'a Bytes>,
}

impl<'a> Needed<'a> {
    /// Adds a node and all its dependencies.
    fn follow(
        &mut self,
        place: usize,
        graph: &'a Graph,
        giver: &HashMap<&Bytes, usize>,
        fed: &HashSet<&'a Bytes>,
    ) -> Result<(), String> {
        // Depth-first search: the path from the wanted node, each with the number of inputs visited.
        let mut way = vec![(place, 0)];
        let mut on_way = HashSet::from([place]);
        while let Some((place, seen)) = way.pop() {
            if seen == 0 && self.nodes.contains(&place) {
                on_way.remove(&place);
                continue;
            }
            let Some(input) = graph.nodes[place].inputs.get(seen) else {
                on_way.remove(&place);
                self.nodes.insert(place);
                continue;
            };
            way.push((place, seen + 1));
            if let Some(&before) = giver.get(input) {
                if !on_way.insert(before) {
                    return Err(format!("has a circle: its value `{}` depends on itself", name(input)));
                }
                way.push((before, 0));
            } else if let Some((initializer, _)) = graph.initializers.get_key_value(input) {
                self.initializers.insert(initializer);
            } else if let Some(input) = fed.get(input) {
                self.inputs.insert(input);
            } else if !input.is_empty() {
                return Err(format!("needs the value `{}`, which nothing gives", name(input)));
            }
        }
        Ok(())
    }
}

fn graph_of(file: &Bytes) -> Result<Graph, String> {
    if has(file, field::MODEL_FUNCTION)? {
        return Err(
            "has functions of its own; inline them (onnx.inliner.inline_local_functions) and import that".into()
        );
    }
    let mut graphs = fields(file.clone(), field::MODEL_GRAPH);
    let graph = graphs.next().ok_or("is not an ONNX model")??;
    if graphs.next().is_some() {
        return Err("has two graphs, which no exporter writes".into());
    }
    let whole = file.len();
    if has(&graph, field::GRAPH_SPARSE)? {
        return Err("has sparse tensors, which are not run here".into());
    }
    let mut initializers = BTreeMap::new();
    for message in fields(graph.clone(), field::GRAPH_INITIALIZER) {
        let message = message?;
        let tensor =
            if is_elsewhere(&message)? { first(&message, field::TENSOR_NAME)? } else { tensor(&message, whole)? };
        if initializers.insert(tensor.clone(), message).is_some() {
            return Err(format!("has two tensors called `{}`", name(&tensor)));
        }
    }
    let mut nodes = Vec::new();
    for message in fields(graph.clone(), field::GRAPH_NODE) {
        if nodes.len() >= MOST_NODES {
            return Err(format!("has more than {MOST_NODES} nodes, which no network needs"));
        }
        nodes.push(node(message?, whole, 0)?);
    }
    let named = |message: Result<Bytes, String>| -> Result<(Bytes, Bytes), String> {
        let message = message?;
        Ok((first(&message, field::VALUE_NAME)?, message))
    };
    let inputs = fields(graph.clone(), field::GRAPH_INPUT).map(named).collect::<Result<Vec<_>, _>>()?;
    let outputs = fields(graph, field::GRAPH_OUTPUT).map(|message| Ok(named(message)?.0));
    Ok(Graph { nodes, initializers, inputs, outputs: outputs.collect::<Result<_, String>>()? })
}

fn node(message: Bytes, whole: usize, depth: usize) -> Result<Node, String> {
    if depth > DEEPEST {
        return Err(format!("has graphs within graphs, more than {DEEPEST} deep"));
    }
    let mut inputs = fields(message.clone(), field::NODE_INPUT).collect::<Result<Vec<_>, _>>()?;
    inputs.retain(|input| !input.is_empty());
    let outputs = fields(message.clone(), field::NODE_OUTPUT).collect::<Result<Vec<_>, _>>()?;
    for attribute in fields(message.clone(), field::NODE_ATTRIBUTE) {
        let attribute = attribute?;
        for number in [field::ATTRIBUTE_TENSOR, field::ATTRIBUTE_TENSORS] {
            for message in fields(attribute.clone(), number) {
                tensor(&message?, whole)?;
            }
        }
        for number in [field::ATTRIBUTE_GRAPH, field::ATTRIBUTE_GRAPHS] {
            for graph in fields(attribute.clone(), number) {
                inputs.extend(outer(&graph?, whole, depth + 1)?);
            }
        }
    }
    Ok(Node { message, inputs, outputs })
}

/// Outer values that a subgraph uses.
fn outer(graph: &Bytes, whole: usize, depth: usize) -> Result<Vec<Bytes>, String> {
    let mut own: HashSet<Bytes> = HashSet::new();
    for message in fields(graph.clone(), field::GRAPH_INITIALIZER) {
        own.insert(tensor(&message?, whole)?);
    }
    for message in fields(graph.clone(), field::GRAPH_INPUT) {
        own.insert(first(&message?, field::VALUE_NAME)?);
    }
    let mut taken = Vec::new();
    for message in fields(graph.clone(), field::GRAPH_NODE) {
        let node = node(message?, whole, depth)?;
        taken.extend(node.inputs);
        own.extend(node.outputs);
    }
    for message in fields(graph.clone(), field::GRAPH_OUTPUT) {
        taken.push(first(&message?, field::VALUE_NAME)?);
    }
    taken.retain(|name| !own.contains(name));
    Ok(taken)
}

/// The name of a tensor, whose values must be in the file and not exceed it.
fn tensor(message: &Bytes, whole: usize) -> Result<Bytes, String> {
    let own = first(message, field::TENSOR_NAME)?;
    if is_elsewhere(message)? {
        return Err(format!(
            "has the numbers of `{}`, a tensor within a node, in another file: save the model as one file (onnx.save with \
             save_as_external_data=False) and import that",
            name(&own)
        ));
    }
    let sides = integers(message.clone(), field::TENSOR_DIMS)?;
    let count = sides.iter().try_fold(1_u64, |product, &side| product.checked_mul(side));
    // Eight numbers to a byte is the most that any kind packs.
    if sides.len() > 64 || count.is_none_or(|count| count > 8 * whole as u64) {
        return Err(format!("has a tensor `{}` that claims more numbers than the file can hold", name(&own)));
    }
    Ok(own)
}

/// Whether a tensor has its numbers in another file.
fn is_elsewhere(message: &Bytes) -> Result<bool, String> {
    let told = integers(message.clone(), field::TENSOR_LOCATION)?.into_iter().any(|location| location != 0);
    Ok(told || has(message, field::TENSOR_EXTERNAL)?)
}

/// A tensor together with the numbers that it has in another file.
fn taken_in(
    own: &Bytes,
    message: &Bytes,
    others: &mut BTreeMap<String, Bytes>,
    beside: &Siblings<'_>,
) -> Result<Vec<u8>, String> {
    let about = |reason: String| format!("has a tensor `{}` that {reason}", name(own));
    let elsewhere = ExternalData::of_message(message).map_err(about)?;
    let elsewhere = elsewhere.ok_or_else(|| about("says two things of where its numbers are".into()))?;
    let sides = integers(message.clone(), field::TENSOR_DIMS)?;
    let count = sides.iter().try_fold(1_u64, |product, &side| product.checked_mul(side));
    let kind = integers(message.clone(), field::TENSOR_TYPE)?.last().copied().unwrap_or(0);
    let bits = bits(kind).ok_or_else(|| about("is of a kind that lies in no other file".into()))?;
    let bytes = count.and_then(|count| count.checked_mul(bits)).map(|bits| bits.div_ceil(8) as usize);
    let bytes = bytes.filter(|&bytes| sides.len() <= 64 && bytes <= LARGEST);
    let bytes = bytes.ok_or_else(|| about("claims more numbers than a file can hold".into()))?;
    if !others.contains_key(&elsewhere.location) {
        if others.len() >= MAX_OTHERS {
            return Err(format!("has its numbers in more than {MAX_OTHERS} other files"));
        }
        others.insert(elsewhere.location.clone(), beside(&elsewhere.location)?);
    }
    let other = others.get(&elsewhere.location).ok_or("has its numbers nowhere")?;
    let numbers = elsewhere.numbers(other, bytes).map_err(about)?;
    let kept = without(message.clone(), &[field::TENSOR_RAW, field::TENSOR_EXTERNAL, field::TENSOR_LOCATION])?;
    let mut tensor = Encoded(kept);
    tensor.message(field::TENSOR_RAW, numbers);
    Ok(tensor.0)
}

/// Bits of a number of a kind, as onnx.proto numbers them; none for texts and what is unknown.
fn bits(kind: u64) -> Option<u64> {
    match kind {
        21..=23 => Some(4),
        2 | 3 | 9 | 17..=20 => Some(8),
        4 | 5 | 10 | 16 => Some(16),
        1 | 6 | 12 => Some(32),
        7 | 11 | 13 | 14 => Some(64),
        15 => Some(128),
        _ => None,
    }
}

/// Whether there is a field of that number.
fn has(message: &Bytes, number: u64) -> Result<bool, String> {
    Ok(fields(message.clone(), number).next().transpose()?.is_some())
}

/// The first field of that number; empty where there is none.
fn first(message: &Bytes, number: u64) -> Result<Bytes, String> {
    fields(message.clone(), number).next().unwrap_or_else(|| Ok(Bytes::new()))
}

fn ir_version(file: &Bytes) -> Option<u64> {
    super::onnx::integers(file.clone(), field::MODEL_IR_VERSION).ok()?.first().copied()
}

fn text(name: &Bytes) -> Result<String, String> {
    String::from_utf8(name.to_vec()).map_err(|_| "has a name that is not UTF-8".to_owned())
}

/// A name that fits into a sentence.
fn name(name: &Bytes) -> String {
    shown(&String::from_utf8_lossy(name))
}

/// A message that is being encoded.
#[derive(Default)]
struct Encoded(Vec<u8>);

impl Encoded {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn message(&mut self, number: u64, content: &[u8]) {
        self.varint(number << 3 | 2);
        self.varint(content.len() as u64);
        self.0.extend_from_slice(content);
    }
}
