//! The terminal workbench.
#[derive(Default)]
pub struct TuiOptions { pub threads: usize, pub device: String, pub start: Option<crate::run::RunId> }
pub fn run(_: crate::workspace::Workspace, _: TuiOptions) -> crate::error::Result<()> { Ok(()) }
