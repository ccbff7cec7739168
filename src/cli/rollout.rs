//! `ringfall rollout`: what is let in by stages: second rule files, and organizations' own accounts.

mod rules;

use serde_json::{Value, json};

use crate::app::rollout::{self, TurnError};
use crate::cli::Answer;
use crate::cli::ground::slug;
use crate::cli::office::{self, Desk, Format, Misuse};
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::model::ids::OrgSlug;
use crate::tenant::profile::Provider;
use crate::tenant::rollout::{Matrix, Rollout as Standing, Stage};

/// What to do with the rollout.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Every turn is kept in the trail with who did it, and holds on every node within a second. Callers of an organization\n\
    whose account is not let in hear the static ending of its rules.\n\
    Examples:\n  ringfall rollout rules status\n  ringfall rollout status\n  \
    ringfall rollout stage twilio canary --org acme --matrix v0.1.0:green\n  \
    ringfall rollout stage twilio on --matrix v0.1.0:green\n  ringfall rollout rollback twilio\n  ringfall rollout kill"
)]
pub struct Rollout {
    #[command(subcommand)]
    what: What,
    /// How to show how it stands
    #[arg(long, value_enum, default_value_t = Format::Text, global = true)]
    format: Format,
    #[command(flatten)]
    desk: Desk,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show how accounts are let in
    Status,
    /// Show how a second rule file on trial fares; put it in place, or end the trial
    Rules(rules::Rules),
    #[command(flatten)]
    Turn(Turn),
}

#[derive(Debug, clap::Subcommand)]
enum Turn {
    /// Turn a switch on
    Enable {
        /// Which
        #[arg(value_enum, default_value_t = Lever::OwnAccounts)]
        switch: Lever,
    },
    /// Turn a switch off
    Disable {
        /// Which
        #[arg(value_enum, default_value_t = Lever::OwnAccounts)]
        switch: Lever,
    },
    /// Let a provider further in, or less far
    Stage {
        /// Which, such as twilio
        #[arg(value_parser = provider)]
        provider: Provider,
        /// off, canary or on
        #[arg(value_parser = stage)]
        stage: Stage,
        /// An organization that tries it, for `canary`; can be given several times
        #[arg(long = "org", value_name = "NAME", value_parser = slug)]
        orgs: Vec<OrgSlug>,
        /// Which state of the security matrix was looked at, and its color, such as `v0.1.0:green`
        #[arg(long, value_name = "REFERENCE:COLOR", value_parser = matrix)]
        matrix: Option<Matrix>,
    },
    /// Take a provider one stage back
    Rollback {
        /// Which, such as twilio
        #[arg(value_parser = provider)]
        provider: Provider,
    },
    /// Use no organization's own account any more, whatever the stages say; `enable` takes it back
    Kill,
}

/// What can be turned on and off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Lever {
    /// Organizations' own accounts are used at all
    OwnAccounts,
    /// Organizations that opted in may use the platform's account
    PlatformFallback,
    /// A provider passes through `canary` on its way to `on`
    Progressive,
    /// Everything is taken back for now, and the stages are kept
    RollbackMode,
}

impl Lever {
    const fn turned(self, on: bool) -> (rollout::Lever, bool) {
        let lever = match self {
            Self::OwnAccounts => rollout::Lever::OwnAccounts,
            Self::PlatformFallback => rollout::Lever::PlatformFallback,
            Self::Progressive => rollout::Lever::Progressive,
            Self::RollbackMode => rollout::Lever::RollbackMode,
        };
        (lever, on)
    }
}

impl Turn {
    fn meant(&self) -> rollout::Turn {
        match self {
            Self::Enable { switch } => rollout::Turn::Levers(vec![switch.turned(true)]),
            Self::Disable { switch } => rollout::Turn::Levers(vec![switch.turned(false)]),
            Self::Stage { provider, stage, orgs, matrix } => rollout::Turn::Stage {
                provider: *provider,
                stage: *stage,
                orgs: orgs.iter().cloned().collect(),
                matrix: matrix.clone(),
            },
            Self::Rollback { provider } => rollout::Turn::Rollback(*provider),
            Self::Kill => rollout::Turn::Kill,
        }
    }
}

fn provider(text: &str) -> Result<Provider, String> {
    let known = || Provider::ALL.iter().map(|provider| provider.word()).collect::<Vec<_>>().join(", ");
    Provider::parse(text).ok_or_else(|| format!("the providers are {}", known()))
}

fn stage(text: &str) -> Result<Stage, String> {
    Stage::parse(text).ok_or_else(|| "the stages are off, canary and on".to_owned())
}

fn matrix(text: &str) -> Result<Matrix, String> {
    Matrix::parse(text).map_err(|error| error.to_string())
}

pub(crate) fn run(args: &Rollout) -> Answer {
    let turn = match &args.what {
        What::Rules(rules) => return rules::run(rules, &args.desk, args.format),
        What::Status => None,
        What::Turn(turn) => Some(turn),
    };
    office::run(&args.desk, async |office, _| {
        let store = office.store().as_ref();
        let by = args.desk.stamp();
        let standing = match turn {
            None => rollout::standing(store).await?,
            Some(turn) => rollout::turn(store, &by, &turn.meant()).await.map_err(told)?,
        };
        terminal::put(&match args.format {
            Format::Text => drawn(&standing),
            Format::Json => format!("{:#}\n", value(&standing)),
        });
        Ok(Outcome::Fine)
    })
}

fn told(error: TurnError) -> anyhow::Error {
    match error {
        TurnError::Refused(refused) => Misuse(refused.to_string()).into(),
        TurnError::Store(error) => error.into(),
    }
}

fn drawn(rollout: &Standing) -> String {
    let on_or_off = |on| if on { "on" } else { "off" };
    let mut text = format!(
        "own-accounts       {}\nplatform-fallback  {}\nprogressive        {}\nrollback-mode      {}\n",
        on_or_off(rollout.enabled),
        on_or_off(rollout.allow_platform_fallback),
        on_or_off(rollout.progressive),
        on_or_off(rollout.rollback_mode)
    );
    for provider in Provider::ALL {
        let known = rollout.stages.get(provider);
        let canary: Vec<_> = known.iter().flat_map(|stage| &stage.canary).map(OrgSlug::as_str).collect();
        let canary = if canary.is_empty() { String::new() } else { format!(" ({})", canary.join(", ")) };
        let matrix = known.and_then(|stage| stage.matrix.as_ref());
        let matrix = matrix.map(|cited| format!(", matrix {cited}")).unwrap_or_default();
        text.push_str(&format!("{:<18} {}{canary}{matrix}\n", provider.word(), rollout.stage(*provider)));
    }
    match &rollout.updated {
        Some(stamp) => text.push_str(&format!("changed by {} at {}\n", stamp.by, stamp.at)),
        None => text.push_str("never changed\n"),
    }
    text
}

fn value(rollout: &Standing) -> Value {
    let providers = Provider::ALL.iter().map(|provider| {
        let known = rollout.stages.get(provider);
        let canary: Vec<_> = known.iter().flat_map(|stage| &stage.canary).map(OrgSlug::as_str).collect();
        let matrix = known.and_then(|stage| stage.matrix.as_ref());
        let value = json!({ "stage": rollout.stage(*provider).word(), "canary": canary, "matrix": matrix });
        (provider.word().to_owned(), value)
    });
    json!({
        "enabled": rollout.enabled,
        "allow_platform_fallback": rollout.allow_platform_fallback,
        "progressive": rollout.progressive,
        "rollback_mode": rollout.rollback_mode,
        "providers": providers.collect::<serde_json::Map<_, _>>(),
        "updated": rollout.updated,
    })
}
