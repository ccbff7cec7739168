//! Per organization: what its texts have cost today, against what they may.

use crate::app::messenger::ports::Outbox as _;
use crate::app::ports::Clock as _;
use crate::cli::doctor::Report;
use crate::clock::SystemClock;
use crate::model::ids::OrgSlug;
use crate::outbox::Desk;
use crate::outreach::spend::Standing;
use crate::rules::ruleset::RuleSet;
use crate::settings::Settings;

/// Looks at what these organizations have spent since midnight UTC.
pub(super) async fn look(report: &mut Report, settings: &Settings, organizations: &[(OrgSlug, RuleSet)]) {
    let Ok(desk) = Desk::shared(&settings.data, settings.database_url.as_ref(), &settings.node) else { return };
    // That it cannot be asked was told already.
    let Ok(all) = desk.spent(SystemClock.now().as_second()).await else { return };
    let spend = &settings.spend;
    for (slug, _) in organizations {
        let found = all.iter().find(|spent| spent.org == slug.as_str());
        let (spent, held) = found.map_or_else(Default::default, |found| (found.spent, found.held));
        let (what, ceiling) = (format!("{slug}: spending"), spend.ceiling(slug.as_str()));
        let told = format!("texts have cost {spent} of {ceiling} {} since midnight UTC", spend.currency);
        let raise = format!("they go on at midnight; `spend_a_day_of: {slug}=…` lets it spend more");
        let standing = spend.standing(slug.as_str(), spent);
        if held > 0 {
            report.fail(&what, format!("{told}, and {held} were held up"), raise);
        } else if standing == Standing::Fine {
            report.pass(&what, told);
        } else {
            report.warn(&what, told, format!("see what goes out with `ringfall outbox list --org {slug}`; {raise}"));
        }
    }
}
