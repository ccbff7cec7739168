//! The templates of a folder: those of everybody, and those of single organizations.

use std::collections::BTreeMap;
use std::path::Path;

use crate::app::live::Text;
use crate::twiml::templates::Templates;

/// The folder that is looked into when none is named.
const USUAL: &str = "twiml-templates";

/// Templates by organization.
pub(crate) struct Skins {
    shared: Templates,
    own: BTreeMap<String, Templates>,
}

impl Skins {
    /// Those of the folder; the usual one when none is named, and the built-in ones when that is not there.
    pub(crate) fn of_folder(folder: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(folder) = folder {
            anyhow::ensure!(folder.is_dir(), "`{}` is no folder", folder.display());
        }
        let folder = folder.unwrap_or(Path::new(USUAL));
        if !folder.is_dir() {
            return Ok(Self { shared: Templates::built_in(), own: BTreeMap::new() });
        }
        let found = crate::files::find_templates(folder);
        if let Some(problem) = found.unreadable.first() {
            anyhow::bail!("{problem}");
        }
        let shared = loaded(found.templates.iter())?;
        let mut own = BTreeMap::new();
        for (org, texts) in &found.own_templates {
            own.insert(org.clone(), loaded(found.templates.iter().chain(texts))?);
        }
        Ok(Self { shared, own })
    }

    /// Those of an organization.
    pub(crate) fn of(&self, org: &str) -> &Templates {
        self.own.get(org).unwrap_or(&self.shared)
    }
}

fn loaded<'a>(texts: impl Iterator<Item = &'a Text>) -> anyhow::Result<Templates> {
    let mut all = Vec::new();
    for text in texts {
        let bytes = text.bytes.as_ref().map_err(|error| anyhow::anyhow!("could not read `{}`: {error}", text.name))?;
        all.push((text.name.clone(), String::from_utf8_lossy(bytes).into_owned()));
    }
    Templates::load(&all).map_err(|faults| {
        let first = faults.first().map_or_else(String::new, |fault| fault.message.clone());
        anyhow::anyhow!("the templates have errors (`ringfall check` shows all of them): {first}")
    })
}
