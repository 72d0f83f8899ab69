//! Builds ONNX graphs: operators in execution order, and their constants.

use super::proto::{
    AttributeProto, Dimension, DimensionProto, GraphProto, NodeProto, TensorProto, TensorShapeProto, TensorTypeProto,
    TypeProto, ValueInfoProto, element, kind,
};
use std::collections::HashSet;

/// The output of an operator, or a tensor of the file, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value(String);

/// An attribute of an operator.
#[derive(Debug, Clone)]
pub enum Attribute {
    Int(&'static str, i64),
    Ints(&'static str, Vec<i64>),
    Float(&'static str, f32),
}

/// A dimension of a graph input or output.
#[derive(Debug, Clone, Copy)]
pub enum Side {
    Known(usize),
    /// The batch size.
    Pictures,
}

/// A graph under construction.
#[derive(Debug, Default)]
pub struct Graph {
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    inputs: Vec<ValueInfoProto>,
    outputs: Vec<ValueInfoProto>,
    names: HashSet<String>,
}

impl Graph {
    /// Adds an operator with one output, which gets its name.
    pub fn node(&mut self, operator: &str, name: &str, inputs: &[&Value], attributes: Vec<Attribute>) -> Value {
        let [value] = self.several(operator, [name], inputs, attributes);
        value
    }

    /// Adds an operator with two outputs; the first gets its name.
    pub fn two(
        &mut self,
        operator: &str,
        names: [&str; 2],
        inputs: &[&Value],
        attributes: Vec<Attribute>,
    ) -> [Value; 2] {
        self.several(operator, names, inputs, attributes)
    }

    fn several<const N: usize>(
        &mut self,
        operator: &str,
        names: [&str; N],
        inputs: &[&Value],
        attributes: Vec<Attribute>,
    ) -> [Value; N] {
        let names = names.map(|name| self.free(name));
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|value| value.0.clone()).collect(),
            output: names.to_vec(),
            name: names.first().cloned().unwrap_or_default(),
            op_type: operator.to_owned(),
            attribute: attributes.into_iter().map(Attribute::proto).collect(),
        });
        names.map(Value)
    }

    /// Adds a constant tensor, row-major.
    pub fn floats(&mut self, name: &str, shape: &[usize], values: impl IntoIterator<Item = f32>) -> Value {
        self.tensor(name, shape, element::FLOAT, values.into_iter().flat_map(f32::to_le_bytes).collect())
    }

    /// A constant that is shared under this name and stored once.
    pub fn constant(&mut self, name: &'static str, value: f32) -> Value {
        if self.names.contains(name) { Value(name.to_owned()) } else { self.float(name, value) }
    }

    /// Adds a scalar constant.
    pub fn float(&mut self, name: &str, value: f32) -> Value {
        self.floats(name, &[], [value])
    }

    /// Adds an integer vector: a shape, axes, indices.
    pub fn integers(&mut self, name: &str, values: &[i64]) -> Value {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(name, &[values.len()], element::INT64, bytes)
    }

    fn tensor(&mut self, name: &str, shape: &[usize], data_type: i32, raw_data: Vec<u8>) -> Value {
        let name = self.free(name);
        let dims = shape.iter().map(|&side| side as i64).collect();
        self.initializers.push(TensorProto { dims, data_type, name: name.clone(), raw_data });
        Value(name)
    }

    /// Declares a graph input.
    pub fn input(&mut self, name: &str, elements: i32, shape: &[Side], about: &str) -> Value {
        let name = self.free(name);
        self.inputs.push(described(&name, elements, shape, about));
        Value(name)
    }

    /// Declares a graph output under this name.
    pub fn output(&mut self, name: &str, value: &Value, elements: i32, shape: &[Side], about: &str) {
        let named = self.node("Identity", name, &[value], Vec::new());
        self.outputs.push(described(&named.0, elements, shape, about));
    }

    /// The graph as a protobuf message.
    pub fn proto(self, name: &str) -> GraphProto {
        let Self { nodes: node, initializers: initializer, inputs: input, outputs: output, .. } = self;
        GraphProto { node, name: name.to_owned(), initializer, input, output }
    }

    /// The name, or the next free one with a number.
    fn free(&mut self, name: &str) -> String {
        let numbered = (1..).map(|number: u32| if number == 1 { name.to_owned() } else { format!("{name}.{number}") });
        let free = numbered.into_iter().find(|name| !self.names.contains(name)).unwrap_or_default();
        self.names.insert(free.clone());
        free
    }
}

impl Attribute {
    fn proto(self) -> AttributeProto {
        let of = |name: &str, r#type| AttributeProto { name: name.to_owned(), r#type, ..AttributeProto::default() };
        match self {
            Self::Int(name, i) => AttributeProto { i: Some(i), ..of(name, kind::INT) },
            Self::Ints(name, ints) => AttributeProto { ints, ..of(name, kind::INTS) },
            Self::Float(name, f) => AttributeProto { f: Some(f), ..of(name, kind::FLOAT) },
        }
    }
}

fn described(name: &str, elem_type: i32, shape: &[Side], about: &str) -> ValueInfoProto {
    let dim = |side: &Side| DimensionProto {
        value: Some(match side {
            Side::Known(side) => Dimension::Value(*side as i64),
            Side::Pictures => Dimension::Name("pictures".to_owned()),
        }),
    };
    let shape = Some(TensorShapeProto { dim: shape.iter().map(dim).collect() });
    let tensor_type = Some(TensorTypeProto { elem_type, shape });
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type }), doc_string: about.to_owned() }
}
