//! The form that is open: filled in, taken, remembered.

use super::super::effect::Effect;
use super::super::forms::{self, FormKind};
use super::super::jobs::Job;
use super::super::keys::Action;
use super::super::shared::Overlay;
use super::super::stages::ScreenId;
use super::super::widgets::form::Field;
use super::App;

impl App {
    pub(super) fn act_on_form(&mut self, action: Action) -> Vec<Effect> {
        let dataset = self.shared.dataset().map(str::to_owned);
        let Some(Overlay::Form(form)) = &mut self.shared.overlay else {
            return Vec::new();
        };
        match action {
            Action::Up => form.go(false),
            Action::Down | Action::Complete => form.go(true),
            Action::Left | Action::Right => {
                if !form.fold()
                    && let Some(field) = form.focused()
                {
                    field.turn(action == Action::Right);
                }
                self.form_changed();
            }
            Action::Accept => {
                if let Some(filled) = forms::submit(form, &self.shared.snapshot, dataset.as_deref()) {
                    self.close_form();
                    return vec![Job::from(filled).into()];
                }
            }
            _ => self.close_form(),
        }
        Vec::new()
    }

    /// Opens the form that exports a model, for the one under the cursor of Results.
    pub(super) fn export_model(&mut self) {
        let run = (self.screen == ScreenId::Results).then(|| self.screens.results.with_model(&self.shared)).flatten();
        self.shared.open_form(FormKind::ExportModel);
        if let Some(run) = run {
            self.shared.fill("run", &run);
            self.shared.fill("to", &format!("{run}.onnx"));
        }
    }

    pub(super) fn close_form(&mut self) {
        if let Some(Overlay::Form(form)) = self.shared.overlay.take() {
            let of = |field: &Field| (field.name.clone(), field.input.value().to_owned());
            let values = form.fields.iter().filter(|field| !field.secret).map(of).collect();
            self.shared.remembered.insert(form.kind, values);
        }
    }

    /// Another kind of model has other fields.
    pub(super) fn form_changed(&mut self) {
        let Some(Overlay::Form(form)) = &self.shared.overlay else {
            return;
        };
        let chosen = form.kind.of_model(form.value(forms::MODEL)).filter(|kind| *kind != form.kind);
        if let (Some(left), Some(kind)) = (form.kind.model(), chosen) {
            // The form that is left keeps its values under its own kind of model.
            let left_form = form.kind;
            self.close_form();
            if let Some(values) = self.shared.remembered.get_mut(&left_form) {
                values.insert(forms::MODEL.to_owned(), left.name().to_owned());
            }
            self.shared.open_form(kind);
            if let Some(Overlay::Form(form)) = &mut self.shared.overlay {
                form.focus = 0;
            }
        }
    }
}
