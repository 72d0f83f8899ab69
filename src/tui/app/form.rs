//! The form that is open: filled in, taken, remembered.

use super::super::effect::Effect;
use super::super::forms::{self, FormKind};
use super::super::jobs::Job;
use super::super::keys::Action;
use super::super::screens::results;
use super::super::stages::ScreenId;
use super::super::widgets::form::Field;
use super::{App, Overlay};
use tui_input::Input;

impl App {
    pub(super) fn act_on_form(&mut self, action: Action) -> Vec<Effect> {
        let dataset = self.dataset().map(str::to_owned);
        let Some(Overlay::Form(form)) = &mut self.overlay else {
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
                if let Some(filled) = forms::submit(form, &self.snapshot, dataset.as_deref()) {
                    self.close_form();
                    return vec![Job::from(filled).into()];
                }
            }
            _ => self.close_form(),
        }
        Vec::new()
    }

    /// Opens a form with what was last typed into it.
    pub fn open_form(&mut self, kind: FormKind) {
        let mut form = forms::open(kind, &self.snapshot, self.dataset());
        if let Some(values) = self.remembered.get(&kind) {
            for field in &mut form.fields {
                // Which set is current, the screen says.
                if let Some(value) = values.get(&field.name).filter(|_| field.name != forms::DATA) {
                    field.input = Input::new(value.clone());
                }
            }
        }
        self.overlay = Some(Overlay::Form(form));
    }

    /// Puts a value into a field of the open form.
    pub fn fill(&mut self, name: &str, value: &str) {
        if let Some(Overlay::Form(form)) = &mut self.overlay
            && let Some(field) = form.fields.iter_mut().find(|field| field.name == name)
        {
            field.input = Input::new(value.to_owned());
        }
    }

    /// Opens the form that exports a model, for the one under the cursor of Results.
    pub(super) fn export_model(&mut self) {
        let rows = if self.screen == ScreenId::Results { results::sorted(self) } else { Vec::new() };
        let selected = rows.iter().find(|row| Some(row.run.as_str()) == self.results.selected.as_deref());
        let run = selected.or(rows.first()).filter(|row| row.has_model()).map(|row| row.run.clone());
        self.open_form(FormKind::ExportModel);
        if let Some(run) = run {
            self.fill("run", &run);
            self.fill("to", &format!("{run}.onnx"));
        }
    }

    pub(super) fn close_form(&mut self) {
        if let Some(Overlay::Form(form)) = self.overlay.take() {
            let of = |field: &Field| (field.name.clone(), field.input.value().to_owned());
            let values = form.fields.iter().filter(|field| !field.secret).map(of).collect();
            self.remembered.insert(form.kind, values);
        }
    }

    /// Another kind of model has other fields.
    pub(super) fn form_changed(&mut self) {
        let Some(Overlay::Form(form)) = &self.overlay else {
            return;
        };
        let chosen = form.kind.of_model(form.value(forms::MODEL)).filter(|kind| *kind != form.kind);
        if let (Some(left), Some(kind)) = (form.kind.model(), chosen) {
            // The form that is left keeps its values under its own kind of model.
            let left_form = form.kind;
            self.close_form();
            if let Some(values) = self.remembered.get_mut(&left_form) {
                values.insert(forms::MODEL.to_owned(), left.name().to_owned());
            }
            self.open_form(kind);
            if let Some(Overlay::Form(form)) = &mut self.overlay {
                form.focus = 0;
            }
        }
    }
}
