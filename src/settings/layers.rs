//! Where each setting was given: flag, environment, `.env`, `ringfall.yaml` or default, in that order.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::feed::plan::{self, Sink};
use crate::model::secret::Secret;
use crate::settings::dotenv;
use crate::settings::keys::{self, KEYS, Key, Place};

/// What surrounds the process, as a value so that tests need not touch the real thing.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// Values given on the command line, by the setting's name.
    pub flags: BTreeMap<&'static str, String>,
    /// The environment.
    pub variables: BTreeMap<String, String>,
    /// The folder in which `ringfall.yaml` and `.env` are looked for.
    pub folder: PathBuf,
    /// A settings file named on the command line; it must exist.
    pub file: Option<PathBuf>,
}

impl fmt::Debug for Surroundings {
    /// Names only: the environment holds secrets, ours and others'.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.variables.keys().collect();
        let flags: Vec<_> = self.flags.keys().collect();
        write!(out, "Surroundings({names:?}, {flags:?}, {}, {:?})", self.folder.display(), self.file)
    }
}

impl Surroundings {
    /// The real ones of this process.
    pub fn of_process(flags: BTreeMap<&'static str, String>, file: Option<PathBuf>) -> Self {
        let text = |part: std::ffi::OsString| part.into_string().ok();
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect();
        Self { flags, variables, folder: PathBuf::from("."), file }
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag(String),
    /// An environment variable.
    Variable(String),
    /// A line of the `.env` file.
    EnvFile(String),
    /// A file named by such a variable.
    SecretFile(String, PathBuf),
    /// The settings file.
    File(PathBuf),
    /// Nothing was given.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(out, "flag --{flag}"),
            Self::Variable(name) => write!(out, "environment {name}"),
            Self::EnvFile(name) => write!(out, ".env {name}"),
            Self::SecretFile(name, path) => write!(out, "{name} -> {}", path.display()),
            Self::File(path) => write!(out, "{}", path.display()),
            Self::Default => out.write_str("default"),
        }
    }
}

/// A value with its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The text, trimmed.
    pub text: Secret,
    /// Where it came from.
    pub origin: Origin,
}

impl Given {
    /// Where it came from, in words.
    pub fn told_by(&self) -> String {
        self.origin.to_string()
    }
}

/// One thing wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The setting, variable or file.
    pub name: String,
    /// What is wrong, with the way out.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.name, self.message)
    }
}

/// Every setting's winning value, before it is read as what it should be.
#[derive(Debug, Default)]
pub struct Layers {
    given: BTreeMap<&'static str, Given>,
    /// What was wrong on the way.
    pub faults: Vec<Fault>,
    /// What looks wrong, and may be meant for somebody else.
    pub doubts: Vec<Fault>,
    /// Where records go, and the file that says so.
    pub sinks: Option<(Vec<Sink>, PathBuf)>,
}

/// A variable that begins as ours do and is none of them. Some platforms give every service variables with its name in
/// front, and the suite has some of its own, so it is only told.
fn doubt(name: &str) -> Option<Fault> {
    let own = name.strip_prefix("RINGFALL_")?;
    let foreign = own.contains("SERVICE_") || own.starts_with("PORT") || own == "ORG" || own == "UPDATE_FIXTURES";
    let is = |key: &&Key| key.variable == name || name.strip_suffix("_FILE") == Some(key.variable);
    if foreign || KEYS.iter().any(|key| is(&key)) {
        return None;
    }
    let near = keys::nearest(&own.to_ascii_lowercase()).and_then(keys::named);
    let hint = near.map_or_else(
        || "see `ringfall serve --print-config` for all settings".to_owned(),
        |near| format!("did you mean `{}`?", near.variable),
    );
    Some(Fault {
        name: name.to_owned(),
        message: format!("no setting has this variable, so it changes nothing; {hint}"),
    })
}

impl Layers {
    /// Gathers from everywhere.
    pub fn gather(around: &Surroundings) -> Self {
        let mut layers = Self::default();
        let env_file = layers.env_file(&around.folder.join(".env"));
        let file = layers.settings_file(around);
        for key in &KEYS {
            let found = flag(key, around)
                .or_else(|| layers.variable(key, &around.variables, Origin::Variable))
                .or_else(|| layers.variable(key, &env_file, Origin::EnvFile))
                .or_else(|| file.get(key.name).cloned())
                .unwrap_or_else(|| Given { text: Secret::new(key.default.to_owned()), origin: Origin::Default });
            layers.given.insert(key.name, found);
        }
        layers.doubts = around.variables.keys().chain(env_file.keys()).filter_map(|name| doubt(name)).collect();
        layers
    }

    /// The winning value; none when nothing was given and there is no default.
    pub fn get(&self, name: &str) -> Option<&Given> {
        self.given.get(name).filter(|given| !given.text.expose().is_empty())
    }

    fn fault(&mut self, name: impl Into<String>, message: impl Into<String>) {
        self.faults.push(Fault { name: name.into(), message: message.into() });
    }

    fn variable(
        &mut self,
        key: &Key,
        variables: &BTreeMap<String, String>,
        origin: fn(String) -> Origin,
    ) -> Option<Given> {
        let plain = variables.get(key.variable).map(|text| text.trim()).filter(|text| !text.is_empty());
        let pointer_name = format!("{}_FILE", key.variable);
        let pointer = variables.get(&pointer_name).filter(|path| !path.is_empty() && key.place != Place::Open);
        if let (Some(_), Some(_)) = (plain, pointer) {
            self.fault(&pointer_name, format!("stands beside `{}`: keep one of the two", key.variable));
        }
        if let Some(text) = plain {
            return Some(Given { text: Secret::new(text.to_owned()), origin: origin(key.variable.to_owned()) });
        }
        if let Some(path) = pointer {
            return self.secret_file(&pointer_name, Path::new(path));
        }
        let port = (key.name == "listen").then(|| variables.get("PORT")).flatten()?;
        Some(Given { text: Secret::new(format!("0.0.0.0:{}", port.trim())), origin: origin("PORT".to_owned()) })
    }
    fn secret_file(&mut self, name: &str, path: &Path) -> Option<Given> {
        match std::fs::read_to_string(path) {
            Ok(text) if !text.trim().is_empty() => Some(Given {
                text: Secret::new(text.trim().to_owned()),
                origin: Origin::SecretFile(name.to_owned(), path.to_owned()),
            }),
            Ok(_) => {
                self.fault(name, format!("the file `{}` is empty", path.display()));
                None
            }
            Err(error) => {
                self.fault(name, format!("the file `{}` cannot be read: {error}", path.display()));
                None
            }
        }
    }

    fn env_file(&mut self, path: &Path) -> BTreeMap<String, String> {
        match dotenv::read(path) {
            Ok(variables) => variables,
            Err(message) => {
                self.fault(".env", message);
                BTreeMap::new()
            }
        }
    }
    fn settings_file(&mut self, around: &Surroundings) -> BTreeMap<&'static str, Given> {
        let path = around.file.clone().unwrap_or_else(|| around.folder.join("ringfall.yaml"));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && around.file.is_none() => {
                return BTreeMap::new();
            }
            Err(error) => {
                self.fault(path.display().to_string(), format!("cannot be read: {error}"));
                return BTreeMap::new();
            }
        };
        let written: Result<Option<BTreeMap<String, serde_yaml::Value>>, _> = serde_yaml::from_str(&text);
        match written {
            Ok(values) => self.file_values(&path, values.unwrap_or_default()),
            Err(error) => {
                self.fault(path.display().to_string(), format!("is not a list of settings: {error}"));
                BTreeMap::new()
            }
        }
    }

    fn file_values(
        &mut self,
        path: &Path,
        values: BTreeMap<String, serde_yaml::Value>,
    ) -> BTreeMap<&'static str, Given> {
        let mut found = BTreeMap::new();
        for (name, value) in values {
            let place = format!("{}: {name}", path.display());
            if name == SINKS {
                match plan::read(value) {
                    Ok(sinks) => self.sinks = Some((sinks, path.to_owned())),
                    Err(faults) => faults.into_iter().for_each(|fault| self.fault(place.clone(), fault)),
                }
                continue;
            }
            let Some(key) = keys::named(&name) else {
                let hint = keys::nearest(&name).map_or_else(
                    || "see `ringfall serve --print-config` for all names".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                self.fault(place, format!("there is no such setting; {hint}"));
                continue;
            };
            if key.place == Place::Secret {
                let variable = key.variable;
                self.fault(
                    place,
                    format!("a secret does not belong here: use `{variable}`, `{variable}_FILE` or `.env`"),
                );
            } else if let Some(text) = plain_text(&value) {
                found.insert(key.name, Given { text: Secret::new(text), origin: Origin::File(path.to_owned()) });
            } else {
                self.fault(place, "must be one value, or a list of plain values");
            }
        }
        found
    }
}

/// The only setting that is a list of more than plain values.
const SINKS: &str = "sinks";

fn flag(key: &Key, around: &Surroundings) -> Option<Given> {
    let text = around.flags.get(key.name)?;
    Some(Given { text: Secret::new(text.trim().to_owned()), origin: Origin::Flag(key.name.replace('_', "-")) })
}

fn plain_text(value: &serde_yaml::Value) -> Option<String> {
    match value {
        serde_yaml::Value::Bool(yes) => Some(if *yes { "on".to_owned() } else { "off".to_owned() }),
        serde_yaml::Value::Number(number) => Some(number.to_string()),
        serde_yaml::Value::String(text) => Some(text.trim().to_owned()),
        serde_yaml::Value::Sequence(items) => {
            items.iter().map(plain_text).collect::<Option<Vec<_>>>().map(|texts| texts.join(","))
        }
        serde_yaml::Value::Null | serde_yaml::Value::Mapping(_) | serde_yaml::Value::Tagged(_) => None,
    }
}
