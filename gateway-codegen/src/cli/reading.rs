//! Documents, as every verb reads them: findings judged and printed in one way.

use std::path::{Path, PathBuf};

use gateway_codegen::findings::{Findings, Renderer, Report, Severity, Style};
use gateway_codegen::load::Document;
use gateway_codegen::model::Gateway;
use gateway_codegen::resolve::{Remote, Sources};

use super::{Exit, Format, Session, output};

/// A document that was read, and what it means if nothing stands against generating it.
pub(crate) struct Reading {
    /// What was written.
    pub(crate) document: Document,
    /// What was meant; `None`: the findings say why not.
    pub(crate) gateway: Option<Gateway>,
    /// As this repository judges them.
    pub(crate) findings: Findings,
}

impl Session {
    /// Reads a document without a word. That it cannot be opened is no finding but a failure.
    pub(crate) fn examine(&self, spec: &Path) -> Result<Reading, Exit> {
        let configuration = self.configuration()?;
        if let Err(error) = std::fs::metadata(spec) {
            return Err(self.fail(format!("cannot read `{}`: {error}", spec.display())));
        }
        let inputs = self.inputs(spec)?;
        self.detail(format!("reading {}", spec.display()));
        let mut found = Findings::default();
        let sources = Sources {
            root: configuration.root.as_deref(),
            remote: configuration
                .fetcher
                .as_ref()
                .map(|fetcher| fetcher as &dyn Remote),
        };
        let (document, gateway) = gateway_codegen::read_from(spec, sources, &inputs, &mut found);
        let findings = found.judged(&configuration.levels);
        let fails = |f: &Findings| {
            let worst = [Severity::Error, Severity::Warning, Severity::Note];
            worst.into_iter().any(|severity| {
                configuration.fail_on.reached_by(severity) && !f.only(|s| s == severity).is_empty()
            })
        };
        Ok(Reading {
            gateway: gateway.filter(|_| !fails(&findings)),
            document,
            findings,
        })
    }

    /// Reads a document, tells standard error what is wrong with it, and goes on only if nothing stands against it.
    pub(crate) fn read(&self, spec: &Path) -> Result<(Document, Gateway), Exit> {
        let reading = self.examine(spec)?;
        self.tell(&reading);
        match reading.gateway {
            Some(gateway) => Ok((reading.document, gateway)),
            None => Err(Exit::Findings),
        }
    }

    /// Tells standard error what is wrong with a document. Notes are for those who ask (`lint`, `-v`), unless they are
    /// what makes the run fail.
    pub(crate) fn tell(&self, reading: &Reading) {
        let fails = reading.gateway.is_none();
        let shown = reading.findings.only(|severity| match severity {
            Severity::Error => true,
            Severity::Warning => !self.quiet(),
            Severity::Note => self.verbose() || fails && !self.quiet(),
        });
        if !shown.is_empty() {
            output::to_stderr(&self.renderer(&reading.document).render(&shown));
        }
    }

    /// Everything wrong with some documents, and how a run that looks for it ends.
    pub(crate) fn lint(&self, specs: &[PathBuf]) -> Result<(String, Exit), Exit> {
        let mut report = Report::new(self.style());
        let mut exit = Exit::Fine;
        for spec in specs {
            let reading = match self.examine(spec) {
                Ok(reading) => reading,
                Err(failed) if specs.len() > 1 => {
                    exit = exit.max(failed);
                    continue;
                }
                Err(failed) => return Err(failed),
            };
            if reading.gateway.is_none() {
                exit = exit.max(Exit::Findings);
            }
            let shown = reading
                .findings
                .only(|s| s == Severity::Error || !self.quiet());
            self.renderer(&reading.document).add_to(&mut report, &shown);
            if shown.is_empty() {
                self.say(format!("{}: no findings", spec.display()));
            }
        }
        Ok((report.finish(), exit))
    }

    pub(crate) fn renderer<'d>(&self, document: &'d Document) -> Renderer<'d> {
        // Coloured always: what it is written to takes the colours out where they are not wanted.
        Renderer::new(document, self.style()).color(true)
    }

    fn style(&self) -> Style {
        match self.format() {
            Format::Human => Style::Human,
            Format::Short => Style::Short,
            Format::Json => Style::Json,
            Format::Sarif => Style::Sarif,
            Format::Github => Style::Github,
        }
    }
}
