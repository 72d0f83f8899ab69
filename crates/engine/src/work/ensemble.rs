//! The members of an ensemble.

use faceprobe_core::dataset::Manifest;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::features::StoreIdentity;
use faceprobe_core::model::{Kind, SavedModel, Weights};
use faceprobe_core::run::RunFolder;
use faceprobe_core::run::results::ResultRow;
use faceprobe_core::workspace::Workspace;

/// The weights of the members, and how many numbers were trained for them.
///
/// # Errors
/// A member that is gone, or was trained on something else than `manifest` and `input` say.
pub(super) fn members(
    workspace: &Workspace,
    names: &[String],
    refit: bool,
    manifest: &Manifest,
    input: &StoreIdentity,
) -> Result<(Vec<Weights>, usize)> {
    let (mut weights, mut params) = (Vec::new(), 0);
    for name in names {
        let run = RunFolder::find(workspace, name)?;
        let row = ResultRow::required(&run)?;
        let SavedModel { info, weights: own } = SavedModel::load(&run.model_path())?;
        let same = info.kind == Kind::Finetune && info.input == *input && row.refit.is_some() == refit;
        if !same || info.provenance.manifest_sha256 != manifest.sha256 {
            return Err(Error::failed(format!(
                "{name} was not trained on the data set '{}' as it is now, behind the same cut with the same weights; \
                 train it again.",
                manifest.name
            )));
        }
        params += row.params;
        weights.push(own);
    }
    Ok((weights, params))
}
