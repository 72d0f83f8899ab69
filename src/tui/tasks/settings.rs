//! What the forms of tasks ask for.

use super::Task;
use crate::tui::folders::expand;
use faceprobe_core::dataset::fetch::adience;
use faceprobe_settings::{Refusal, Rules, choices, settings};
use std::path::{Path, PathBuf};

choices! {
    /// The data sets that can be fetched.
    pub enum DataSource {
        Congress = "congress",
        Adience = "adience",
    }
}

choices! {
    /// The parts of Adience.
    pub enum Part {
        Labels = "labels",
        Aligned = "aligned",
        Faces = "faces",
    }
}

impl Part {
    /// As the core calls it.
    pub fn of_adience(self) -> adience::Part {
        match self {
            Self::Labels => adience::Part::Labels,
            Self::Aligned => adience::Part::Aligned,
            Self::Faces => adience::Part::Faces,
        }
    }
}

settings! {
    /// A data set from the network.
    #[derive(Eq)]
    pub struct FetchData {
        /// congress: portraits of members of the US Congress, 12 MB, public domain; adience: the benchmark, needs registration.
        set: DataSource = DataSource::Congress, any();
        /// Folder to put it into.
        to: Option<String> = None, text("DIR").computed("data/congress or data/adience in the workspace");
        /// The name that the authors of Adience gave you; leave empty for congress.
        user: Option<String> = None, text("NAME");
        /// The password that came with it; it is not written down anywhere.
        password: Option<String> = None, text("PASSWORD");
        /// Parts of Adience: labels, aligned (1.9 GB), faces (1.2 GB).
        parts: Vec<Part> = vec![Part::Labels, Part::Aligned], any().advanced();
        /// Another server with the same files.
        mirror: Option<String> = None, text("URL").advanced();
    }
}

impl Rules for FetchData {
    fn check_together(&self) -> Result<(), Refusal> {
        if self.set == DataSource::Adience && self.mirror.is_none() && (self.user.is_none() || self.password.is_none())
        {
            let name = if self.user.is_none() { "user" } else { "password" };
            return Err(Refusal::new(
                name,
                "must be given: Adience is for those who register at its authors' page, talhassner.github.io",
            ));
        }
        Ok(())
    }
}

settings! {
    /// The weights of a network, from the network or from a file.
    #[derive(Eq)]
    pub struct FetchWeights {
        /// The network whose weights to install.
        backbone: String = faceprobe_core::backbone::DEFAULT.to_owned(), text("NAME");
        /// A file with the weights that you have already; leave empty to fetch them.
        file: Option<String> = None, text("FILE");
        /// Fetch them from this address instead of the usual one.
        from: Option<String> = None, text("URL").advanced();
        /// The file at that address must have this SHA-256.
        sha256: Option<String> = None, text("HASH").advanced();
    }
}

impl Rules for FetchWeights {
    fn check_together(&self) -> Result<(), Refusal> {
        if self.file.is_some() && self.from.is_some() {
            return Err(Refusal::new("from", "must be left empty where there is a file"));
        }
        Ok(())
    }
}

settings! {
    /// The report of the study.
    #[derive(Eq)]
    pub struct WriteReport {
        /// Folder for report.html and report.md, or the name of the HTML file.
        to: String = "report".to_owned(), text("DIR|FILE");
        /// The run that the model card describes.
        model: Option<String> = None, text("RUN").computed("the chosen model, else the best on validation");
        /// Include thumbnails of the worst mistakes: photographs of people.
        thumbnails: bool = false, any();
    }
}

impl Rules for WriteReport {}

settings! {
    /// A model for other programs.
    #[derive(Eq)]
    pub struct ExportModel {
        /// The run.
        run: Option<String> = None, text("RUN").computed("the chosen model, with its threshold");
        /// The ONNX file; a Python program that uses it is written beside it.
        to: String = "model.onnx".to_owned(), text("FILE");
    }
}

impl Rules for ExportModel {}

settings! {
    /// Where features are exported to.
    #[derive(Eq)]
    pub struct ExportData {
        /// Folder for features.npy, labels.csv and features.json.
        to: String = "exported".to_owned(), text("DIR");
    }
}

impl Rules for ExportData {}

/// A path that was typed, as a shell would take it in the workspace.
pub(super) fn place(root: &Path, text: &str) -> PathBuf {
    root.join(expand(text.trim()))
}

impl Task {
    /// In a few words, for the line that shows it at work.
    pub fn title(&self) -> String {
        match self {
            Self::FetchData(fetch) => format!("fetching {}", fetch.set),
            Self::FetchWeights(FetchWeights { backbone, file: Some(_), .. }) => format!("importing {backbone}"),
            Self::FetchWeights(fetch) => format!("fetching {}", fetch.backbone),
            Self::Report(_) => "writing the report".to_owned(),
            Self::ExportModel(_) => "exporting the model".to_owned(),
            Self::ExportFeatures { .. } => "exporting features".to_owned(),
        }
    }
}
