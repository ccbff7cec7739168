//! The addresses that the carrier calls.

/// One of the addresses that the carrier calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// A call arrives.
    InboundCall,
    /// A step of a call ended.
    Continue,
    /// A callee picked up, or pressed a key.
    Screen,
    /// A leg changed its state.
    CallStatus,
    /// A recording changed its state.
    Recording,
    /// A recording was written down.
    Transcription,
    /// A text message arrives.
    InboundSms,
    /// A text message of ours changed its state.
    MessageStatus,
}

impl Endpoint {
    /// Every address.
    pub const ALL: [Self; 8] = [
        Self::InboundCall,
        Self::Continue,
        Self::Screen,
        Self::CallStatus,
        Self::Recording,
        Self::Transcription,
        Self::InboundSms,
        Self::MessageStatus,
    ];

    /// The path below the public origin.
    pub const fn path(self) -> &'static str {
        match self {
            Self::InboundCall => "/twilio/inbound-call",
            Self::Continue => "/twilio/continue",
            Self::Screen => "/twilio/screen",
            Self::CallStatus => "/twilio/call-status",
            Self::Recording => "/twilio/recording",
            Self::Transcription => "/twilio/transcription",
            Self::InboundSms => "/twilio/inbound-sms",
            Self::MessageStatus => "/twilio/message-status",
        }
    }

    /// The name in records, metrics and logs: the last part of the path.
    pub const fn word(self) -> &'static str {
        match self {
            Self::InboundCall => "inbound-call",
            Self::Continue => "continue",
            Self::Screen => "screen",
            Self::CallStatus => "call-status",
            Self::Recording => "recording",
            Self::Transcription => "transcription",
            Self::InboundSms => "inbound-sms",
            Self::MessageStatus => "message-status",
        }
    }

    /// The address with exactly this path.
    pub fn from_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.path() == path)
    }

    /// Whether the carrier does what the answer says; the others only want to hear that we heard.
    pub const fn is_answered_with_instructions(self) -> bool {
        match self {
            Self::InboundCall | Self::Continue | Self::Screen => true,
            Self::CallStatus | Self::Recording | Self::Transcription | Self::InboundSms | Self::MessageStatus => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_back() {
        for endpoint in Endpoint::ALL {
            assert_eq!(Endpoint::from_path(endpoint.path()), Some(endpoint));
            assert!(endpoint.path().ends_with(endpoint.word()));
        }
        assert_eq!(Endpoint::from_path("/twilio/inbound-call/"), None);
    }
}
