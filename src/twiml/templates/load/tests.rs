//! What is noticed in templates before they go live.

use super::*;

fn load_one(name: &str, text: &str) -> Result<Templates, Vec<Diagnostic>> {
    load(&[(name.to_owned(), text.to_owned())])
}

fn problem(name: &str, text: &str) -> (&'static str, String, Option<String>, (usize, usize)) {
    let found = load_one(name, text).expect_err(text);
    let first = found.into_iter().next().unwrap();
    let place = first.primary.as_ref().unwrap().line_and_column();
    (first.code, first.message, first.help, place)
}

#[test]
fn the_built_in_templates_are_good() {
    let templates = load(&[]).unwrap();
    assert_eq!(templates.warnings(), []);
    assert_eq!(templates.digest(), Templates::built_in().digest());
}

#[test]
fn a_template_of_ones_own_takes_the_place_of_the_built_in_one() {
    let own = "<Response><Say voice=\"Polly.Amy\">{{ lang }} thanks</Say></Response>";
    let templates = load_one("acme/thank.xml.j2", own).unwrap();
    assert_eq!(templates.warnings(), []);
    assert_ne!(templates.digest(), Templates::built_in().digest());
}

#[test]
fn an_unknown_template_is_a_slip() {
    let (code, _, help, _) = problem("voice-mail.xml.j2", "<Response/>");
    assert_eq!((code, help.as_deref()), ("unknown-template", Some("did you mean `voicemail.xml.j2`?")));
    let own_part = [
        ("hello.xml.j2".to_owned(), "<Say>Hello</Say>".to_owned()),
        ("thank.xml.j2".to_owned(), "<Response>{% include 'hello.xml.j2' %}</Response>".to_owned()),
    ];
    assert!(load(&own_part).is_ok());
}

#[test]
fn problems_have_their_place() {
    let (code, _, _, place) = problem("thank.xml.j2", "<Response>\n  {% if %}\n</Response>");
    assert_eq!((code, place.0), ("broken-template", 2));
    let (code, message, help, place) =
        problem("thank.xml.j2", "<Response>\n  <Say>callr {{ callr }}</Say>\n</Response>");
    assert_eq!((code, place), ("unknown-variable", (2, 17)));
    assert_eq!(message, "`thank.xml.j2` has no value `callr`");
    assert_eq!(help.as_deref(), Some("did you mean `caller`?"));
    let (code, _, help, place) = problem("thank.xml.j2", "<Response>\n<Say>{{ line|safe }}</Say></Response>");
    assert_eq!((code, place.0), ("failing-template", 2));
    assert!(help.unwrap().contains("no `safe`"));
    let (code, message, _, place) = problem("thank.xml.j2", "<Response>\n <Say>a</Sya>\n</Response>");
    assert_eq!((code, place.0), ("refused-answer", 1), "{message}");
}

#[test]
fn nothing_is_written_that_nobody_meant() {
    for text in [
        "<Response><Say>{{ none }}</Say></Response>",
        "<Response><Say>{{ speech }}</Say></Response>",
        "<Response><Say>{{ line.nothing }}</Say></Response>",
        "<Response>{% for i in range(100000) %}{% endfor %}</Response>",
        "<Response>{% for i in range(9000) %}{% for j in range(9000) %}{% endfor %}{% endfor %}</Response>",
        "<Response>{% if lang == 'pt' %}<Say></Response>{% endif %}",
    ] {
        assert!(load_one("thank.xml.j2", text).is_err(), "{text}");
    }
}

#[test]
fn no_way_around_escaping_is_open() {
    let tricks = [
        "{% autoescape false %}{{ line }}{% endautoescape %}",
        "{% set x %}{{ line }}{% endset %}{{ x }}",
        "{% macro m(t) %}{{ t }}{% endmacro %}{{ m(line) }}",
        "{{ [line, caller]|join('') }}",
        "{{ line ~ '' }}",
        "{{ line|upper }}",
        "{{ line|replace('a', 'b') }}",
        "{% filter upper %}{{ line }}{% endfilter %}",
        "{% autoescape false %}{% set x %}{{ line }}{% endset %}{{ x }}{% endautoescape %}",
    ];
    for trick in tricks {
        let templates = load_one("thank.xml.j2", &format!("<Response><Say>{trick}</Say></Response>"));
        let Ok(templates) = templates else { continue };
        let (_, mut filled) = sample::of(Kind::Thank).pop().unwrap();
        filled.values.retain(|(name, _)| *name != "line");
        filled.values.push(("line", "</Say><Hangup/><Say>".into()));
        let Ok(twiml) = templates.render(&Arc::new(filled)) else { continue };
        assert!(!twiml.as_str().to_lowercase().contains("<hangup"), "{trick}: {twiml}");
    }
}

#[test]
fn a_set_of_another_shape_is_tried_with_whatever_can_meet() {
    // Good for each of the plain samples and for each of the full ones, and bad where the two meet.
    for (name, text) in [
        ("thank.xml.j2", "<Response>{% if caller and not speech %}<Thanks/>{% endif %}<Hangup/></Response>"),
        ("thank.xml.j2", "<Response>{% if speech and not line %}{{ lang.nothing }}{% endif %}<Hangup/></Response>"),
        (
            "menu.xml.j2",
            "<Response><Gather input=\"{{ input }}\" action=\"{{ action }}\">{% if num_digits > 1 and finish_on_key %}<Dial/>{% endif %}</Gather></Response>",
        ),
        (
            "hangup.xml.j2",
            "<Response><Say>{% for part in farewell %}{{ part.say }}{% if part.say %}{{ part.say }}{% endif %}{% endfor %}</Say><Hangup/></Response>",
        ),
    ] {
        let found = load_one(name, text).expect_err(text);
        assert!(found.iter().all(|fault| fault.primary.is_some()), "{found:?}");
    }
    // What goes together stays together: a caller with a number has digits to be spoken.
    let speaks = "<Response>{% if caller %}<Say>{{ caller_digits[0] }}</Say>{% endif %}<Hangup/></Response>";
    assert!(load_one("thank.xml.j2", speaks).is_ok());
}

#[test]
fn a_set_without_any_built_in_text_goes_live_when_it_is_sound() {
    let say = |what: &str| {
        format!(
            "{{% for part in {what} %}}{{% if part.play %}}<Play>{{{{ part.play }}}}</Play>{{% else %}}<Say voice=\"Polly.Amy\">{{{{ part.say }}}}</Say>{{% endif %}}{{% endfor %}}"
        )
    };
    let own = [
        (
            "ring.xml.j2",
            format!(
                "<Response>{}<Dial action=\"{{{{ action }}}}\" timeout=\"{{{{ timeout }}}}\" record=\"do-not-record\">{{% for one in numbers %}}<Number{{% if one.screen %}} url=\"{{{{ one.screen }}}}\"{{% endif %}}>{{{{ one.number }}}}</Number>{{% endfor %}}</Dial></Response>",
                say("speech")
            ),
        ),
        (
            "voicemail.xml.j2",
            format!(
                "<Response>{}{}<Record action=\"{{{{ action }}}}\" maxLength=\"{{{{ max_length }}}}\" playBeep=\"true\" recordingStatusCallback=\"{{{{ recording_callback }}}}\"/></Response>",
                say("speech"),
                say("greeting")
            ),
        ),
        ("hangup.xml.j2", format!("<Response>{}<Pause length=\"1\"/><Hangup/></Response>", say("farewell"))),
        ("speech.xml.j2", "<Say>{{ part.say or 'music' }}</Say>".to_owned()),
    ];
    let own: Vec<(String, String)> = own.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
    let loaded = load(&own);
    assert!(loaded.is_ok(), "{loaded:?}");
}
