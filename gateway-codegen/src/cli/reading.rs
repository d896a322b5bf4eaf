//! Documents, as every verb reads them: findings judged and printed in one way.

use gateway_codegen::compose::Input;
use gateway_codegen::findings::{Findings, Renderer, Report, Severity, Style};
use gateway_codegen::load::Document;
use gateway_codegen::model::Gateway;
use gateway_codegen::resolve::{Remote, Sources};

use super::{Exit, Format, Session, output};

/// A document that was read, and what it means if nothing stands against generating it.
pub(crate) struct Reading<G = Gateway> {
    /// What was written.
    pub(crate) document: Document,
    /// What was meant; `None`: the findings say why not.
    pub(crate) gateway: Option<G>,
    /// As this repository judges them.
    pub(crate) findings: Findings,
}

impl Session {
    /// Says so if a document or an overlay cannot be opened, which is no finding but a failure.
    pub(crate) fn can_be_opened(&self, input: &Input) -> Result<(), Exit> {
        let specs = input.specs.iter().map(|spec| &spec.path);
        for file in specs.chain(&input.overlays) {
            if let Err(error) = std::fs::metadata(file) {
                return Err(self.fail(format!("cannot read `{}`: {error}", file.display())));
            }
            self.detail(format!("reading {}", file.display()));
        }
        Ok(())
    }

    /// Where files that documents refer to may come from.
    pub(crate) fn sources(&self) -> Result<Sources<'_>, Exit> {
        let configuration = self.configuration()?;
        Ok(Sources {
            root: configuration.root.as_deref(),
            remote: configuration
                .fetcher
                .as_ref()
                .map(|fetcher| fetcher as &dyn Remote),
        })
    }

    /// Reads documents without a word.
    pub(crate) fn examine(&self, input: &Input) -> Result<Reading, Exit> {
        self.can_be_opened(input)?;
        let (sources, inputs) = (self.sources()?, self.inputs(&input.paths())?);
        let mut found = Findings::default();
        let (document, gateway) = gateway_codegen::read_all(input, sources, &inputs, &mut found);
        self.judged(document, gateway, found)
    }

    /// What was read, as this repository judges it.
    pub(crate) fn judged<G>(
        &self,
        document: Document,
        gateway: Option<G>,
        found: Findings,
    ) -> Result<Reading<G>, Exit> {
        let configuration = self.configuration()?;
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
    pub(crate) fn read(&self, input: &Input) -> Result<(Document, Gateway), Exit> {
        let reading = self.examine(input)?;
        self.tell(&reading);
        match reading.gateway {
            Some(gateway) => Ok((reading.document, gateway)),
            None => Err(Exit::Findings),
        }
    }

    /// Tells standard error what is wrong with a document. Notes are for those who ask (`lint`, `-v`), unless they are
    /// what makes the run fail.
    pub(crate) fn tell<G>(&self, reading: &Reading<G>) {
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

    /// Everything wrong with some gateways' documents, and how a run that looks for it ends.
    pub(crate) fn lint(&self, inputs: &[Input]) -> Result<(String, Exit), Exit> {
        let mut report = Report::new(self.style());
        let mut exit = Exit::Fine;
        for input in inputs {
            let reading = match self.examine(input) {
                Ok(reading) => reading,
                Err(failed) if inputs.len() > 1 => {
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
                let names = input
                    .specs
                    .iter()
                    .map(|spec| spec.path.display().to_string());
                let names: Vec<String> = names.collect();
                self.say(format!("{}: no findings", names.join(", ")));
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
