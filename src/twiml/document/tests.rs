//! What is read from good documents, and what is refused.

use super::*;

fn fault(xml: &str) -> Fault {
    parse(xml).expect_err(xml).fault
}

#[test]
fn verbs_come_with_attributes_and_text() {
    let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response>\n  <Say language=\"en-US\">Hi &amp; <![CDATA[<bye>]]>&#10;</Say><Dial a='1&quot;'><Number>+16195550111</Number></Dial></Response>\n";
    let response = parse(xml).unwrap();
    let verbs: Vec<_> = response.verbs().collect();
    assert_eq!(verbs.len(), 2);
    assert_eq!(verbs[0].text(), "Hi & <bye>\n");
    assert_eq!(verbs[0].attribute("language"), Some("en-US"));
    assert_eq!(verbs[1].attribute("a"), Some("1\""));
    assert_eq!(verbs[1].text(), "+16195550111");
    assert!(verbs[1].elements().all(|noun| &*noun.name == "Number"));
}

#[test]
fn malformed_documents_are_refused() {
    let bad = [
        "",
        "  ",
        "hello",
        "<Response>",
        "<Response></response>",
        "<Response/><Response/>",
        "<Response/>x",
        "x<Response/>",
        "<Response/>&amp;",
        "<Response>&nbsp;</Response>",
        "<Response>&#0;</Response>",
        "<Response>&#xFFFF;</Response>",
        "<Response>\u{1}</Response>",
        "<Response>]]></Response>",
        "<Response>&</Response>",
        "<Response a=\"<\"/>",
        "<Response a=\"&x;\"/>",
        "<Response a=\"& b\"/>",
        "<Response a=\"1\" a=\"2\"/>",
        "<Response a=1/>",
        "<Response a/>",
        "<!DOCTYPE Response><Response/>",
        "<Response><!-- a -- b --></Response>",
        "\n<?xml version=\"1.0\"?><Response/>",
        "\u{feff}<Response/>",
        "<?xml version=\"1.0\" encoding=\"latin1\"?><Response/>",
        "<Response><1a/></Response>",
        "<Response><Say></Response></Say>",
        "<Response/",
    ];
    for xml in bad {
        assert!(parse(xml).is_err(), "{xml}");
    }
    assert_eq!(fault("<Request/>"), Fault::NotResponse("Request".to_owned()));
    assert_eq!(fault("<Response>"), Fault::Unclosed("Response".to_owned()));
    assert_eq!(fault(&format!("<Response>{}", "<a>".repeat(40))), Fault::TooDeep);
}

#[test]
fn a_fault_has_its_line() {
    let error = parse("<Response>\n<Say>a</Say>\n<Say>&nope;</Say></Response>").unwrap_err();
    assert_eq!(
        (error.line, error.to_string().as_str()),
        (3, "line 3: the entity `&nope;` is not known to XML; write the character itself")
    );
}

#[test]
fn meaning_counts_and_not_spelling() {
    assert!(same(
        "<Response><Say loop='2' voice=\"man\">a  b</Say></Response>",
        "<?xml version=\"1.0\"?>\n<Response>\n <Say voice='man' loop='2'> a b </Say>\n</Response>"
    ));
    assert!(same("<Response/>", "<Response>\n</Response>"));
    assert!(!same("<Response><Say>a</Say></Response>", "<Response><Say>b</Say></Response>"));
    assert!(!same("<Response><Say/><Play/></Response>", "<Response><Play/><Say/></Response>"));
    assert!(!same("<Response/>", "<Response>"));
}
