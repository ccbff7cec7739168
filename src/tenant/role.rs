//! The roles, and what each may do: the one table that commands and the API ask.

use std::fmt;

words! {
    /// What somebody is to an organization, or to the platform.
    Role {
        /// Runs the platform, and may do everything to everybody.
        PlatformAdmin = "platform-admin",
        /// Answers for one organization.
        Owner = "owner",
        /// Runs one organization's calls day by day.
        Operator = "operator",
        /// Looks at one organization.
        Viewer = "viewer",
    }
}

words! {
    /// What somebody may want to do.
    Action {
        /// Look at the organization, its calls, rules and trail.
        Read = "read",
        /// Turn switches.
        Switch = "switch",
        /// Send texts in its name.
        Text = "text",
        /// Give it new rules, or go back to older ones.
        Rules = "rules",
        /// Change what number leads where.
        Bindings = "bindings",
        /// Connect, rotate and revoke its accounts.
        Credentials = "credentials",
        /// Ask for host names of its own.
        Domains = "domains",
        /// Issue and revoke its tokens.
        Tokens = "tokens",
        /// Change its name and opt-ins.
        Organization = "organization",
        /// Found, suspend and take up organizations, and change their plans.
        Organizations = "organizations",
        /// Turn the rollout.
        Rollout = "rollout",
        /// Change the platform's own accounts.
        PlatformCredentials = "platform-credentials",
    }
}

/// Who may do what. This is the only place that says so.
const TABLE: &[(Action, &[Role])] = &[
    (Action::Read, &[Role::PlatformAdmin, Role::Owner, Role::Operator, Role::Viewer]),
    (Action::Switch, &[Role::PlatformAdmin, Role::Owner, Role::Operator]),
    (Action::Text, &[Role::PlatformAdmin, Role::Owner, Role::Operator]),
    (Action::Rules, &[Role::PlatformAdmin, Role::Owner, Role::Operator]),
    (Action::Bindings, &[Role::PlatformAdmin, Role::Owner, Role::Operator]),
    (Action::Credentials, &[Role::PlatformAdmin, Role::Owner]),
    (Action::Domains, &[Role::PlatformAdmin, Role::Owner]),
    (Action::Tokens, &[Role::PlatformAdmin, Role::Owner]),
    (Action::Organization, &[Role::PlatformAdmin, Role::Owner]),
    (Action::Organizations, &[Role::PlatformAdmin]),
    (Action::Rollout, &[Role::PlatformAdmin]),
    (Action::PlatformCredentials, &[Role::PlatformAdmin]),
];

/// The role does not allow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeedsRole {
    /// What was wanted.
    pub wanted: Action,
    /// The role that may not.
    pub role: Role,
    /// The roles that may.
    pub may: &'static [Role],
}

impl fmt::Display for NeedsRole {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles: Vec<String> = self.may.iter().map(|role| format!("`{role}`")).collect();
        write!(out, "the role `{}` may not do `{}`: {} may", self.role, self.wanted, roles.join(" or "))
    }
}

impl std::error::Error for NeedsRole {}

/// Whether the role may do it; if not, which roles may.
pub fn may(role: Role, wanted: Action) -> Result<(), NeedsRole> {
    let may = TABLE.iter().find(|(action, _)| *action == wanted).map_or(&[] as &[Role], |(_, roles)| roles);
    if may.contains(&role) { Ok(()) } else { Err(NeedsRole { wanted, role, may }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_stands_in_the_table_once() {
        for action in Action::ALL {
            assert_eq!(TABLE.iter().filter(|(known, _)| known == action).count(), 1, "{action}");
        }
    }

    #[test]
    fn a_higher_role_never_may_less() {
        for action in Action::ALL {
            for pair in Role::ALL.windows(2) {
                assert!(may(pair[1], *action).is_err() || may(pair[0], *action).is_ok(), "{action}");
            }
        }
    }

    #[test]
    fn a_viewer_only_looks() {
        for action in Action::ALL {
            assert_eq!(may(Role::Viewer, *action).is_ok(), *action == Action::Read, "{action}");
        }
        let refused = may(Role::Operator, Action::Credentials).unwrap_err().to_string();
        assert_eq!(refused, "the role `operator` may not do `credentials`: `platform-admin` or `owner` may");
    }
}
