//! The shipped sets load, and a wrong file is answered with its line and what is nearest.

use super::{Case, Outcome, Risk, Rulebook};
use proptest::prelude::*;

/// Two rules, one of levels and one of points; line 1 is the id.
const GOOD: &str = r#"id = "mine"
version = "1.0"
effective = 2026-11-21
title = "Mine"
mapping = "ours"
[[rule]]
id = "glucose"
name = "Glucose"
source = "somewhere"
age_from = 16
in_pregnancy = false
[[rule.parameter]]
name = "glucose"
unit = "mg/dL"
[[rule.parameter.row]]
level = "LOW"
at_least = 70
at_most = 180
class = "in range"
enabled = true
[[rule.parameter.row]]
level = "MODERATE"
above = 180
class = "high"
enabled = true
[[rule.parameter.row]]
level = "HIGH"
above = 250
class = "very high"
enabled = false
[[rule]]
id = "score"
name = "Score"
source = "elsewhere"
age_from = 16
in_pregnancy = false
[[rule.total]]
level = "LOW"
at_most = 1
class = "few"
[[rule.total]]
level = "HIGH"
at_least = 2
class = "many"
[[rule.parameter]]
name = "resp"
unit = "/min"
round_to = 1
[[rule.parameter.row]]
points = 0
at_most = 20
class = "few"
[[rule.parameter.row]]
points = 2
at_least = 21
class = "many"
"#;

/// What a file is answered with in which `old` is `new`.
fn refusal(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "{old}");
    let text = GOOD.replacen(old, new, 1);
    Rulebook::load(&[("m.toml", &text)]).expect_err(new).to_string()
}

#[test]
fn the_shipped_sets_load_and_every_row_names_its_source() {
    let book = Rulebook::shipped();
    assert_eq!(book.sets().count(), super::SHIPPED.len());
    for (set, rule) in book.rules() {
        assert!(!set.version.is_empty() && !set.mapping.is_empty(), "{}", set.id);
        for row in rule.columns.iter().flat_map(|column| &column.rows) {
            assert!(!row.source.is_empty() && !row.class.is_empty(), "{}", rule.id);
        }
    }
}

#[test]
fn a_good_file_is_read_as_it_stands() {
    let book = Rulebook::load(&[("m.toml", GOOD)]).unwrap();
    let (set, rule) = book.rules().next().unwrap();
    assert_eq!((set.id.as_str(), set.version.as_str()), ("mine", "1.0"));
    assert_eq!((set.effective.to_string(), rule.applies.age_from), ("2026-11-21".to_owned(), 16));
    let column = &rule.columns[0];
    let rows: Vec<_> =
        column.rows.iter().map(|row| (row.outcome, row.limits.to_string(), row.source.as_str())).collect();
    let expected = [(Risk::Low, "≥ 70 and ≤ 180"), (Risk::Moderate, "> 180"), (Risk::High, "> 250")];
    assert_eq!(rows, expected.map(|(level, limits)| (Outcome::Level(level), limits.to_owned(), "somewhere")));
    // What is switched off leaves its values to the row before it.
    assert_eq!(column.row(300.0, Case::default()).unwrap().class, "high");
}

#[test]
fn a_key_that_does_not_exist_is_told_with_its_line_and_the_nearest() {
    for (old, new, told) in [
        ("mapping =", "maping =", "m.toml:5: unknown key \"maping\"; did you mean \"mapping\"?"),
        ("age_from", "age_form", "m.toml:10: unknown key \"age_form\"; did you mean \"age_from\"?"),
        ("unit = \"mg/dL\"", "units = 1", "m.toml:14: unknown key \"units\"; did you mean \"unit\"?"),
        ("at_least = 70", "atleast = 70", "m.toml:17: unknown key \"atleast\"; did you mean \"at_least\"?"),
        ("points = 2", "point = 2", "m.toml:54: unknown key \"point\"; did you mean \"points\"?"),
        ("[[rule.total]]", "[[rule.totals]]", "m.toml:37: unknown key \"totals\"; did you mean \"total\"?"),
        (
            "[[rule]]\nid = \"score\"",
            "[[rules]]\nid = \"score\"",
            "m.toml:31: unknown key \"rules\"; did you mean \"rule\"?",
        ),
    ] {
        let message = refusal(old, new);
        assert_eq!(message, told);
    }
}

#[test]
fn what_is_missing_is_told_with_the_line_of_its_table() {
    for (old, told) in [
        ("version = \"1.0\"\n", "m.toml:1: key \"version\" is missing"),
        ("effective = 2026-11-21\n", "m.toml:1: key \"effective\" is missing"),
        ("source = \"elsewhere\"\n", "m.toml:31: key \"source\" is missing"),
        ("in_pregnancy = false\n", "m.toml:6: key \"in_pregnancy\" is missing"),
        ("level = \"MODERATE\"\n", "m.toml:21: key \"level\" is missing"),
        ("class = \"very high\"\nenabled = false\n", "m.toml:26: key \"enabled\" is missing"),
        ("points = 0\n", "m.toml:49: key \"points\" is missing"),
    ] {
        assert_eq!(refusal(old, ""), told);
    }
    let text = GOOD.split("[[rule.parameter]]").next().unwrap();
    let message = Rulebook::load(&[("m.toml", text)]).unwrap_err().to_string();
    assert_eq!(message, "m.toml:6: key \"parameter\" is missing");
}

#[test]
fn a_value_that_cannot_be_used_is_told_with_its_line() {
    for (old, new, told) in [
        ("\"HIGH\"", "\"HIHG\"", "m.toml:27: key \"level\" cannot be \"HIHG\"; did you mean \"HIGH\"?"),
        (
            "\"glucose\"\nunit",
            "\"glucse\"\nunit",
            "m.toml:13: key \"name\" cannot be \"glucse\"; did you mean \"glucose\"?",
        ),
        ("mg/dL", "mmol/L", "m.toml:14: key \"unit\" must be \"mg/dL\""),
        ("age_from = 16", "age_from = \"old\"", "m.toml:10: key \"age_from\" must be a whole number"),
        ("age_from = 16", "age_from = -1", "m.toml:10: key \"age_from\" must be a whole number"),
        ("enabled = true", "enabled = 1", "m.toml:20: key \"enabled\" must be true or false"),
        ("above = 250", "above = nan", "m.toml:28: key \"above\" must be a finite number"),
        ("above = 250", "above = inf", "m.toml:28: key \"above\" must be a finite number"),
        ("above = 250", "above = \"250\"", "m.toml:28: key \"above\" must be a finite number"),
        ("\"in range\"", "\" \"", "m.toml:19: key \"class\" must be text that is not empty"),
        ("2026-11-21", "\"2026-11-21\"", "m.toml:3: key \"effective\" must be a day"),
        ("2026-11-21", "2026-11-21T00:00:00Z", "m.toml:3: key \"effective\" must be a day"),
        ("round_to = 1", "round_to = 0.3", "m.toml:48: key \"round_to\" must be 1 or a whole part"),
        ("round_to = 1", "round_to = 0", "m.toml:48: key \"round_to\" must be 1 or a whole part"),
        ("id = \"score\"", "id = \"glucose\"", "m.toml:32: key \"id\" \"glucose\" is another rule's"),
        (
            "enabled = true",
            "enabled = true\nunchecked = true",
            "m.toml:20: key \"enabled\" must be false while",
        ),
        (
            "source = \"somewhere\"",
            "source = \"x\"\nregion = \"KP\"",
            "m.toml:10: key \"region\" cannot be \"KP\"; did you mean \"KR\"?",
        ),
    ] {
        let message = refusal(old, new);
        assert!(message.starts_with(told), "{message}");
    }
    for value in ["3", "[3]"] {
        let text = format!("{}rule = {value}", GOOD.split("[[rule]]").next().unwrap());
        let message = Rulebook::load(&[("m.toml", &text)]).unwrap_err().to_string();
        assert_eq!(message, "m.toml:6: key \"rule\" must be tables, each under its own [[…rule]]");
    }
}

#[test]
fn rows_that_do_not_go_together_are_told_with_their_line() {
    let (overlap, order) =
        ("m.toml:21: \"high\" (> 170)", "m.toml:26: \"very high\" (> 250) does not go together");
    for (old, new, told) in [
        ("above = 180", "above = 170", overlap),
        ("above = 180", "above = 300", order),
        ("above = 180", "above = 250", order),
        ("above = 250", "below = 300", "m.toml:26: \"very high\" (< 300) does not go together"),
        ("above = 250", "below = 71", "m.toml:26: \"very high\" (< 71) does not go together"),
        ("above = 250", "", "m.toml:26: a row needs a limit"),
        ("above = 250", "above = 250\nat_least = 260", "m.toml:28: key \"above\" and \"at_least\" exclude"),
        ("above = 250", "above = 250\nbelow = 300", "m.toml:26: a row above LOW has one limit"),
        ("at_most = 180", "at_most = 69", "m.toml:15: no value lies between these limits"),
        ("at_least = 21", "at_least = 22", "m.toml:53: between the row and the one before it"),
        ("at_least = 21", "at_least = 20", "m.toml:53: the row and the one before it claim the same value"),
        ("at_least = 21", "at_least = 21\nat_most = 30", "m.toml:45: the rows of a score must have points"),
        ("at_least = 21", "at_least = 21\noxygen = true", "m.toml:45: the rows of a score must have points"),
        ("at_most = 1\n", "", "m.toml:37: a total has one of"),
        ("at_most = 1\n", "single = 1\n", "m.toml:37: \"at_most\" and LOW belong together"),
        ("at_most = 1\n", "at_most = 2\n", "m.toml:41: more points must lead to a higher level"),
        (
            "class = \"many\"\n",
            "class = \"many\"\n[[rule.total]]\nlevel = \"MODERATE\"\nat_least = 3\nclass = \"more\"\n",
            "m.toml:45: more points must lead to a higher level; compare \"many\"",
        ),
    ] {
        let message = refusal(old, new);
        assert!(message.starts_with(told), "{message}");
        assert!(!message.contains('\n'), "more than one line: {message}");
    }
}

#[test]
fn a_rule_has_an_id_of_its_own_over_all_files_and_each_parameter_once() {
    let message = Rulebook::load(&[("m.toml", GOOD), ("n.toml", GOOD)]).unwrap_err().to_string();
    assert_eq!(message, "n.toml:7: key \"id\" \"glucose\" is another rule's");
    let twice =
        "[[rule.parameter]]\nname = \"glucose\"\nunit = \"mg/dL\"\n[[rule.parameter]]\nname = \"glucose\"";
    let message = refusal("[[rule.parameter]]\nname = \"glucose\"", twice);
    assert_eq!(message, "m.toml:16: key \"name\" stands twice in this rule");
}

#[test]
fn what_is_not_toml_is_told_with_its_line() {
    for (old, new, line) in [
        ("id = \"mine\"", "id = ", 1),
        ("[[rule]]", "[[rule", 6),
        ("above = 180", "above = 180\nabove = 2", 24),
    ] {
        let message = refusal(old, new);
        assert!(message.starts_with(&format!("m.toml:{line}: not valid TOML: ")), "{message}");
        assert!(!message.contains('\n'), "more than one line: {message}");
    }
}

proptest! {
    #[test]
    fn no_edit_makes_it_panic_and_every_refusal_names_the_file(
        from in 0_usize..GOOD.len(), length in 0_usize..40, text in "[a-z\\[\\].=\"0-9 \n_-]{0,20}"
    ) {
        let mut edited = GOOD.to_owned();
        edited.replace_range(from..(from + length).min(GOOD.len()), &text);
        if let Err(error) = Rulebook::load(&[("m.toml", &edited)]) {
            prop_assert!(error.to_string().starts_with("m.toml:"), "{}", error);
        }
    }
}
