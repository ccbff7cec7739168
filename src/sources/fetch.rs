//! One look at a source: a request that is bounded in time and size, and goes to no address of the inside.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::header::ACCEPT;
use reqwest::{RequestBuilder, Url};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::app::ports::Clock;
use crate::egress::{Egress, told};
use crate::model::ids::OrgSlug;
use crate::rules::ruleset::{SourceKind, SwitchSource};
use crate::sinks::Trouble;
use crate::sinks::google::Leave;
use crate::sources::{Accounts, Means, reading};

const SCOPE: &str = "https://www.googleapis.com/auth/spreadsheets.readonly";

/// Bytes of an answer that are read at most.
const LARGEST: usize = 256 << 10;

/// The leave of an organization's account, while its key stays the same.
type Known = Arc<Mutex<(String, Leave)>>;

pub(in crate::sources) struct Fetcher {
    egress: Egress,
    accounts: Arc<dyn Accounts>,
    sheets: String,
    clock: Arc<dyn Clock>,
    leaves: Mutex<BTreeMap<OrgSlug, Known>>,
}

impl Fetcher {
    pub(in crate::sources) fn new(means: &Means, clock: &Arc<dyn Clock>) -> Self {
        Self {
            egress: means.egress.clone(),
            accounts: Arc::clone(&means.accounts),
            sheets: means.sheets.trim_end_matches('/').to_owned(),
            clock: Arc::clone(clock),
            leaves: Mutex::default(),
        }
    }

    /// Where the source says that the switch stands; why that cannot be told.
    pub(in crate::sources) async fn look(&self, org: &OrgSlug, source: &SwitchSource) -> Result<bool, String> {
        match &source.from {
            SourceKind::Url { url, field } => {
                let url = self.egress.admits(url).map_err(|refused| refused.to_string())?;
                let request = self.egress.reading().get(url).header(ACCEPT, "application/json");
                reading::position(reading::field(&document(request).await?, field)?)
            }
            SourceKind::Sheet { sheet, cell } => self.sheet(org, sheet, cell).await,
        }
    }

    async fn sheet(&self, org: &OrgSlug, sheet: &str, cell: &str) -> Result<bool, String> {
        let known = self.leave(org).await?;
        let mut known = known.lock().await;
        let (_, leave) = &mut *known;
        let url = self.url(sheet, cell)?;
        let token = leave.token(self.egress.reading()).await.map_err(|trouble| match trouble {
            Trouble::Later { why, .. } | Trouble::Never(why) => format!("Google gives no leave: {why}"),
        })?;
        let answer = document(self.egress.reading().get(url).bearer_auth(token)).await;
        if answer.is_err() {
            // A token may be believed no more; the next look asks for another one.
            leave.forget();
        }
        let email = &leave.account.client_email;
        let shared = |why: String| match why.as_str() {
            "it answers 403" | "it answers 404" => format!("{why}: share the sheet with {email}, as a reader"),
            _ => why,
        };
        reading::position(reading::cell(&answer.map_err(shared)?)?)
    }

    fn url(&self, sheet: &str, cell: &str) -> Result<Url, String> {
        let mut url = self.egress.admits(&self.sheets).map_err(|refused| format!("`google_sheets_url`: {refused}"))?;
        let range = reading::range(cell);
        let parts = ["v4", "spreadsheets", sheet, "values", &range];
        url.path_segments_mut()
            .map_err(|()| "`google_sheets_url` is no address".to_owned())?
            .pop_if_empty()
            .extend(parts);
        url.query_pairs_mut().append_pair("valueRenderOption", "UNFORMATTED_VALUE");
        Ok(url)
    }

    /// The leave of the organization's account; a new one when its key was changed.
    async fn leave(&self, org: &OrgSlug) -> Result<Known, String> {
        let found = self.accounts.account(org).await?;
        let mut leaves = self.leaves.lock().await;
        let Some((name, account)) = found else {
            leaves.remove(org);
            return Err(format!(
                "there is no Google account that reads for this organization: `ringfall connect google --org {org}`"
            ));
        };
        if let Some(known) = leaves.get(org)
            && known.lock().await.0 == name
        {
            return Ok(Arc::clone(known));
        }
        self.egress.admits(&account.token_uri).map_err(|refused| format!("its `token_uri`: {refused}"))?;
        let made = Arc::new(Mutex::new((name, Leave::of(account, SCOPE, &self.clock))));
        leaves.insert(org.clone(), Arc::clone(&made));
        Ok(made)
    }
}

/// The document that is answered.
async fn document(request: RequestBuilder) -> Result<Value, String> {
    let mut response = request.send().await.map_err(told)?;
    if !response.status().is_success() {
        return Err(format!("it answers {}", response.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(told)? {
        body.extend_from_slice(&part);
        if body.len() > LARGEST {
            return Err(format!("its answer is longer than {} kB", LARGEST >> 10));
        }
    }
    serde_json::from_slice(&body).map_err(|_unshown| "its answer is no JSON".to_owned())
}
