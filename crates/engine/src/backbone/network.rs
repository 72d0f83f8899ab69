//! A network with its weights: images in, features out.

use super::blueprint::{self, StagePlan};
use super::device::kind_of;
use super::{
    Architecture, Arithmetic, BackboneInfo, Parameters, Pool, Stage, StageInfo, build, onnx, pooling, stored,
    torchscript, weights,
};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::imaging::{ChannelOrder, Pixels};
use ndarray::Array2;
use std::borrow::Cow;
use std::collections::BTreeMap;
use tch::{Device, Kind, TchError, Tensor};

/// Bytes that the early, large stages may hold for the images of one group.
const GROUP_BYTES: usize = 6 << 20;

/// A loaded backbone. It can move to another thread; [`Network::share`] gives each thread its own handle on the same
/// tensors.
pub struct Network {
    info: &'static BackboneInfo,
    stages: Vec<Stage>,
    /// Used instead of stages for an ONNX file.
    onnx: Option<onnx::Model>,
    device: Device,
    arithmetic: Arithmetic,
    weights_sha256: String,
    /// The number of leading stages that run on small groups of images, and the group size.
    wide: (usize, usize),
    /// `[3, 1, 1]` on the device.
    mean: Tensor,
    std: Tensor,
}

impl Network {
    /// Loads the stored weights onto a device and folds batch normalisation into the convolutions.
    ///
    /// # Errors
    /// Weights that were not fetched, or whose checksum differs from the one recorded.
    pub fn load(info: &'static BackboneInfo, device: Device) -> Result<Self> {
        Self::load_as(info, device, Arithmetic::F32)
    }

    /// [`Network::load`] with an arithmetic other than f32.
    ///
    /// # Errors
    /// As [`Network::load`]; a user-supplied file, which runs in its own arithmetic only.
    pub fn load_as(info: &'static BackboneInfo, device: Device, arithmetic: Arithmetic) -> Result<Self> {
        match &info.architecture {
            Architecture::Plan(plan) => {
                let loaded = stored::load(info, device)?;
                Self::build(info, &plan(), &Parameters { tensors: loaded.tensors, arithmetic }, loaded.sha256, device)
            }
            Architecture::Module(_) | Architecture::Onnx(_) if arithmetic != Arithmetic::F32 => {
                let (title, file) = (info.title, info.file_kind());
                Err(Error::usage(format!("{title} is {file}, which is computed as it is; use f32.")))
            }
            Architecture::Onnx(stages) => {
                let (path, sha256) = weights::checked(info)?;
                let model = onnx::Model::load(&path, stages)?;
                Ok(Self { onnx: Some(model), ..Self::of_stages(info, Vec::new(), sha256, device) })
            }
            Architecture::Module(stage) => {
                let (path, sha256) = weights::checked(info)?;
                let layer = torchscript::load(&path, stage, device)?;
                Ok(Self::of_stages(info, vec![Stage::new(&stage.name, layer)], sha256, device))
            }
            Architecture::Parts(_) => Err(no_backbone(info)),
        }
    }

    /// The network on parameters that are not stored on disk, by their canonical names: all of
    /// [`BackboneInfo::parameters`] in their shapes, f32, on any device. Its weights' hash is the one that storing them
    /// would give.
    ///
    /// # Errors
    /// A parameter that is missing, left over, or of another shape or kind.
    pub fn from_parameters(
        info: &'static BackboneInfo,
        mut given: BTreeMap<String, Tensor>,
        device: Device,
        arithmetic: Arithmetic,
    ) -> Result<Self> {
        let plan = match &info.architecture {
            Architecture::Plan(plan) => plan,
            Architecture::Module(_) | Architecture::Onnx(_) => {
                let (title, file) = (info.title, info.file_kind());
                return Err(Error::failed(format!("{title} is {file}, which brings its own parameters.")));
            }
            Architecture::Parts(_) => return Err(no_backbone(info)),
        };
        let sha256 = stored::digest(&given)?;
        let mut parameters = BTreeMap::new();
        for (name, shape) in info.parameters() {
            let tensor = given.remove(&name);
            let tensor = tensor.ok_or_else(|| Error::failed(format!("{} lacks its `{name}`.", info.title)))?;
            if tensor.size() != shape.iter().map(|&side| side as i64).collect::<Vec<_>>() {
                let found = tensor.size();
                return Err(Error::failed(format!("`{name}` of {} is {found:?} instead of {shape:?}.", info.title)));
            }
            let moved = tensor.f_to_device(device).map_err(|error| Error::failed(error.to_string()))?;
            parameters.insert(name, moved);
        }
        if let Some(name) = given.keys().next() {
            return Err(Error::failed(format!("{} has no `{name}`.", info.title)));
        }
        Self::build(info, &plan(), &Parameters { tensors: parameters, arithmetic }, sha256, device)
    }

    fn build(
        info: &'static BackboneInfo,
        plan: &[StagePlan],
        parameters: &Parameters,
        weights_sha256: String,
        device: Device,
    ) -> Result<Self> {
        let stages = tch::no_grad(|| build::build(plan, parameters))?;
        let arithmetic = parameters.arithmetic;
        let own = arithmetic == Arithmetic::F32 && device == Device::Cpu && faceprobe_kernel::available();
        let wide = if own { wide_stages(info, plan) } else { (0, 1) };
        Ok(Self { arithmetic, wide, ..Self::of_stages(info, stages, weights_sha256, device) })
    }

    fn of_stages(info: &'static BackboneInfo, stages: Vec<Stage>, weights_sha256: String, device: Device) -> Self {
        let constant = |values: [f32; 3]| Tensor::from_slice(&values).view([3, 1, 1]).to_device(device);
        let (mean, std) = (constant(info.preprocessing.mean), constant(info.preprocessing.std));
        Self { info, stages, onnx: None, device, arithmetic: Arithmetic::F32, weights_sha256, wide: (0, 1), mean, std }
    }

    /// The same network for another thread, over the same tensors.
    pub fn share(&self) -> Self {
        Self {
            info: self.info,
            stages: self.stages.iter().map(Stage::share).collect(),
            onnx: self.onnx.as_ref().map(onnx::Model::share),
            device: self.device,
            arithmetic: self.arithmetic,
            weights_sha256: self.weights_sha256.clone(),
            wide: self.wide,
            mean: self.mean.shallow_clone(),
            std: self.std.shallow_clone(),
        }
    }

    /// Its registry entry.
    pub fn info(&self) -> &'static BackboneInfo {
        self.info
    }

    /// SHA-256 of the canonical weights file, in hex.
    pub fn weights_sha256(&self) -> &str {
        &self.weights_sha256
    }

    /// The outputs of the stages `taps` (ascending) for a normalised input `[N, 3, S, S]`, without gradients: `[N, C,
    /// H, W]`, of transformers `[N, T, C]`. Stages after the last tap are not computed.
    pub fn outputs(&self, input: &Tensor, taps: &[usize]) -> Result<Vec<Tensor>> {
        let mut from = 0;
        let count = self.count();
        for &tap in taps {
            if !(from..count).contains(&tap) {
                let title = self.info.title;
                return Err(Error::usage(format!("{title} has the stages 0 to {}, in ascending order.", count - 1)));
            }
            from = tap + 1;
        }
        if let Some(model) = &self.onnx {
            return model.outputs(input, taps);
        }
        let through = || {
            let (mut x, mut from) = (input.shallow_clone(), 0);
            let mut outputs = Vec::with_capacity(taps.len());
            for &tap in taps {
                // The large stages group by group, then the rest.
                let (wide, group) = (self.wide.0.clamp(from, tap + 1), self.wide.1 as i64);
                if wide > from && x.size().first().is_some_and(|&images| images > group) {
                    let groups = x.f_split(group, 0)?;
                    let groups =
                        groups.iter().map(|part| self.run_stages(part, from..wide)).collect::<Result<Vec<_>, _>>();
                    x = Tensor::f_cat(&groups?, 0)?;
                    from = wide;
                }
                x = self.run_stages(&x, from..tap + 1)?;
                outputs.push(x.shallow_clone());
                from = tap + 1;
            }
            Ok(outputs)
        };
        tch::no_grad(through).map_err(|error: TchError| self.explain(&error))
    }

    /// Number of stages.
    fn count(&self) -> usize {
        self.onnx.as_ref().map_or(self.stages.len(), |model| model.stages().len())
    }

    /// Runs consecutive stages.
    fn run_stages(&self, input: &Tensor, range: std::ops::Range<usize>) -> Result<Tensor, TchError> {
        self.stages[range].iter().try_fold(input.shallow_clone(), |x, stage| stage.layer.forward(&x))
    }

    /// Runs all stages and passes the name and the output `[N, C, H, W]` of each to `watch`.
    pub fn forward_watched(&self, input: &Tensor, watch: &mut dyn FnMut(&str, &Tensor)) -> Result<()> {
        if let Some(model) = &self.onnx {
            let all: Vec<usize> = (0..self.count()).collect();
            let outputs = model.outputs(input, &all)?;
            model.stages().iter().zip(&outputs).for_each(|(stage, output)| watch(&stage.name, output));
            return Ok(());
        }
        let forward = || {
            let mut x = input.shallow_clone();
            for stage in &self.stages {
                x = stage.layer.forward(&x)?;
                watch(&stage.name, &x);
            }
            Ok(())
        };
        tch::no_grad(forward).map_err(|error: TchError| self.explain(&error))
    }

    /// The normalised input `[N, 3, S, S]` of some images, channels last in memory. Images of another size are resized
    /// first.
    pub fn input(&self, pictures: &[Pixels]) -> Result<Tensor> {
        let side = self.info.preprocessing.size;
        let mut bytes = Vec::with_capacity(pictures.len() * side * side * 3);
        for picture in pictures {
            let fits = picture.width() == side && picture.height() == side;
            let picture =
                if fits { Cow::Borrowed(picture) } else { Cow::Owned(self.info.preprocessing.resize(picture)) };
            match self.info.preprocessing.order {
                ChannelOrder::Rgb => bytes.extend_from_slice(picture.rgb()),
                ChannelOrder::Bgr => bytes.extend(picture.rgb().chunks_exact(3).flat_map(|rgb| rgb.iter().rev())),
            }
        }
        let shape = [pictures.len() as i64, side as i64, side as i64, 3];
        let normalise = || {
            let rows = Tensor::f_from_data_size(&bytes, &shape, Kind::Uint8)?.f_to_device(self.device)?;
            let mut input = rows.f_permute([0, 3, 1, 2])?.f_to_kind(Kind::Float)?;
            input.f_sub_(&self.mean)?.f_div_(&self.std)?.f_to_kind(kind_of(self.arithmetic))
        };
        normalise().map_err(|error| self.explain(&error))
    }

    /// The last stage of some images averaged over its positions, one row each.
    pub fn features(&self, pictures: &[Pixels]) -> Result<Array2<f32>> {
        let mut rows = self.pooled(pictures, &[self.count() - 1], Pool::Avg)?;
        Ok(rows.swap_remove(0))
    }

    /// The stages `taps` (ascending) of some pictures, pooled: one array per tap with one row per picture.
    pub fn pooled(&self, pictures: &[Pixels], taps: &[usize], pool: Pool) -> Result<Vec<Array2<f32>>> {
        self.rows(pictures, taps, |output| pooling::apply(pool, output))
    }

    /// Everything that stage `tap` gives for some pictures, one row each: place by place, the channels of each together; of
    /// tokens, the class token first.
    pub fn whole(&self, pictures: &[Pixels], tap: usize) -> Result<Array2<f32>> {
        Ok(self.rows(pictures, &[tap], pooling::whole)?.swap_remove(0))
    }

    fn rows(
        &self,
        pictures: &[Pixels],
        taps: &[usize],
        row: impl Fn(&Tensor) -> Result<Tensor, TchError>,
    ) -> Result<Vec<Array2<f32>>> {
        let outputs = self.outputs(&self.input(pictures)?, taps)?;
        let copy = |output: &Tensor| -> Result<Array2<f32>, TchError> {
            let output = output.f_to_kind(Kind::Float)?;
            let rows = tch::no_grad(|| row(&output))?.f_to_device(Device::Cpu)?.f_contiguous()?;
            let (count, width) = rows.size2()?;
            let mut values = vec![0_f32; rows.numel()];
            rows.f_copy_data(&mut values, rows.numel())?;
            Array2::from_shape_vec((count as usize, width as usize), values)
                .map_err(|error| TchError::Shape(error.to_string()))
        };
        outputs.iter().map(|output| copy(output).map_err(|error| self.explain(&error))).collect()
    }

    fn explain(&self, error: &TchError) -> Error {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        Error::failed(format!(
            "{} could not run on {:?} ({first}); try a smaller batch or --device cpu.",
            self.info.title, self.device
        ))
    }
}

/// How many leading stages should run on groups of how many images, so that the output of one stage is still in the
/// caches for the next: as long as input and output of an image take more memory than a stage's weights, which are read
/// again for every group.
fn wide_stages(info: &BackboneInfo, plan: &[StagePlan]) -> (usize, usize) {
    let values = |stage: &StageInfo| stage.channels * stage.side * stage.side;
    let mut input = 3 * info.input * info.input;
    let (mut count, mut most) = (0, 1);
    for (stage, plan) in info.stages().iter().zip(plan) {
        let around = input + values(stage);
        let weights: usize = blueprint::parameters(std::slice::from_ref(plan))
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum();
        if 2 * weights > around {
            break;
        }
        (count, most, input) = (count + 1, most.max(around), values(stage));
    }
    (count, (GROUP_BYTES / (4 * most)).max(1))
}

fn no_backbone(info: &BackboneInfo) -> Error {
    Error::usage(format!("{} is no backbone: it gives no features.", info.title))
}
