//! The form that is open: filled in, taken, remembered.

use super::super::forms::{self, FormKind};
use super::super::jobs::Effect;
use super::super::keys::Action;
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
            Action::Down => form.go(true),
            Action::Left | Action::Right => {
                if let Some(field) = form.fields.get_mut(form.focus) {
                    field.turn(action == Action::Right);
                }
                self.form_changed();
            }
            Action::Accept => {
                if let Some(job) = forms::submit(form, dataset.as_deref()) {
                    self.close_form();
                    return vec![Effect::Launch(Box::new(job))];
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
            for (field, value) in form.fields.iter_mut().zip(values) {
                field.input = Input::new(value.clone());
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

    pub(super) fn close_form(&mut self) {
        if let Some(Overlay::Form(form)) = self.overlay.take() {
            let values = form.fields.iter().map(|field| field.input.value().to_owned()).collect();
            self.remembered.insert(form.kind, values);
        }
    }

    /// Another kind of model has other fields.
    pub(super) fn form_changed(&mut self) {
        let Some(Overlay::Form(form)) = &self.overlay else {
            return;
        };
        if form.kind == FormKind::Prepare {
            return;
        }
        if let Some(kind) = FormKind::training(form.value("model")).filter(|kind| *kind != form.kind) {
            // The form that is left keeps its values under its own kind of model.
            let left = form.kind;
            self.close_form();
            let name = match left {
                FormKind::Logistic => "logistic",
                FormKind::Benchmark => "benchmark",
                FormKind::Finetune => "finetune",
                _ => "dense",
            };
            if let Some(model) = self.remembered.get_mut(&left).and_then(|values| values.first_mut()) {
                *model = name.to_owned();
            }
            self.open_form(kind);
            if let Some(Overlay::Form(form)) = &mut self.overlay {
                form.focus = 0;
            }
        }
    }
}
