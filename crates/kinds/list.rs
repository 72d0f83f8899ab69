// The kinds of model, in the order of help texts and forms. Each is a folder here:
//
//     settings.rs   what it is: name, input, settings, refit, ONNX graph. Compiled into the core, which links no libtorch.
//     training.rs   how it is trained and scored. Compiled into the engine.
//
// Both crates include this list and give `kinds!` its meaning: the modules of their half, and their registry.
kinds! {
    benchmark,
    dense,
    logistic,
    finetune,
    knn,
    ensemble,
    offtheshelf,
}
