//! The accounts that are answered: the carrier's from the settings, and the simulator's on somebody's own machine.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::Context as _;

use crate::app::directory::{Owner, Profile};
use crate::model::ids::AccountSid;
use crate::model::secret::Secret;
use crate::model::simulator::{FILE, Simulator};
use crate::settings::{Environment, Settings};
use crate::webhook::signature::{Verifier, VerifierSet};

/// Reads and makes all accounts.
pub fn load(settings: &Settings) -> anyhow::Result<Vec<Profile>> {
    let mut profiles = Vec::new();
    if let Some(twilio) = &settings.twilio {
        let next = twilio.next.as_ref().map(|token| Verifier::from_token(token.expose()));
        let keys = VerifierSet { primary: Verifier::from_token(twilio.token.expose()), next };
        profiles.push(Profile::given(Owner::Platform, twilio.account.clone(), keys));
    }
    if settings.environment == Environment::Development {
        let simulator = simulator(&settings.data)?;
        let keys = VerifierSet::one(Verifier::from_token(simulator.token.expose()));
        profiles.push(Profile::given(Owner::Simulator, simulator.account, keys));
    }
    Ok(profiles)
}

/// The simulator's account in the data folder; it is made on the first start.
fn simulator(data: &Path) -> anyhow::Result<Simulator> {
    let path = data.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let mode = std::fs::metadata(&path)?.permissions().mode() & 0o777;
            let shown = path.display();
            anyhow::ensure!(mode & 0o077 == 0, "others may read `{shown}` (mode {mode:o}): run `chmod 600 {shown}`");
            Simulator::parse(&text).with_context(|| format!("cannot use `{shown}`"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(&path),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}

fn make(path: &Path) -> anyhow::Result<Simulator> {
    let account = AccountSid::parse(&format!("AC{}", random_hex()?))?;
    let simulator = Simulator { account, token: Secret::new(random_hex()?) };
    let failed = || format!("cannot write `{}`", path.display());
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).with_context(failed)?;
    file.write_all(simulator.text().expose().as_bytes()).with_context(failed)?;
    Ok(simulator)
}

/// 128 bits that nobody can guess, as 32 hex digits.
pub(super) fn random_hex() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    let mut source = std::fs::File::open("/dev/urandom").context("the machine has no source of randomness")?;
    source.read_exact(&mut bytes).context("the machine's source of randomness cannot be read")?;
    Ok(u128::from_be_bytes(bytes)).map(|number| format!("{number:032x}"))
}
