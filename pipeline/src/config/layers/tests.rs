//! What layers take, what they refuse, and how they say where a value came from.

use super::*;
use crate::config::{Config, load};
use proptest::prelude::*;

fn variables(pairs: &[(&str, &str)]) -> impl Iterator<Item = (OsString, OsString)> {
    pairs.iter().map(|(name, value)| (name.into(), value.into())).collect::<Vec<_>>().into_iter()
}

fn shown(layers: &Layers, key: &str) -> (String, String) {
    let (_, value, source) = layers.effective().find(|(known, ..)| *known == key).unwrap();
    (value, source.to_string())
}

/// What a file of this text is answered with.
fn refusal(text: &str) -> String {
    let mut layers = Layers::defaults();
    match layers.text("m.toml", text) {
        Err(error) => error.to_string(),
        Ok(()) => load(layers).unwrap_err().to_string(),
    }
}

#[test]
fn the_defaults_are_a_configuration() {
    let loaded = load(Layers::defaults()).unwrap();
    assert_eq!(loaded.config.commit.lake.dir, Path::new("data/lake"));
    assert!(loaded.layers.effective().all(|(_, _, source)| *source == Source::Default));
}

#[test]
fn each_layer_overrides_the_ones_before_and_is_named() {
    let mut layers = Layers::defaults();
    let expect = |layers: &Layers, value: &str, source: &str| {
        assert_eq!(shown(layers, "epoch.tick_ms"), (value.to_owned(), source.to_owned()));
    };
    expect(&layers, "50", "default");
    layers.text("m.toml", "# mine\n[epoch]\ntick_ms = 1").unwrap();
    expect(&layers, "1", "m.toml:3");
    layers
        .environment(variables(&[
            ("MANPASIK_EPOCH__TICK_MS", "2"),
            ("MANPASIK_PORT", "tcp://10.0.0.1:1"),
            ("HOME", "/"),
        ]))
        .unwrap();
    expect(&layers, "2", "environment MANPASIK_EPOCH__TICK_MS");
    layers.set_text("epoch.tick_ms", "3", Source::Flag("--set".into())).unwrap();
    expect(&layers, "3", "--set");
    assert_eq!(load(layers).unwrap().config.epoch.tick_ms, 3);
}

#[test]
fn the_data_directory_is_filled_in_wherever_it_is_named() {
    let mut layers = Layers::defaults();
    layers.set_text("data_dir", "/srv/m", Source::Flag("--data-dir".into())).unwrap();
    let config = load(layers).unwrap().config;
    assert_eq!(config.log.embedded.dir, Path::new("/srv/m/log"));
    assert_eq!(config.commit.lake.dir, Path::new("/srv/m/lake"));
}

#[test]
fn a_key_that_does_not_exist_is_told_with_its_line_and_the_nearest() {
    for (text, at, nearest) in [
        ("[epoch]\n\ntik_ms = 3", "m.toml:3", "epoch.tick_ms"),
        ("[dor]\nlisten = \"a\"", "m.toml:2", "door.listen"),
        ("lake.dir = \"x\"", "m.toml:1", "commit.lake.dir"),
        ("\n[door.limits.spil]\nbytes = 3", "m.toml:3", "door.limits.spill.bytes"),
        ("data_dir.x = 1", "m.toml:1", "data_dir"),
        ("\n[dor]", "m.toml:2", "door\""),
    ] {
        let message = refusal(text);
        assert!(message.starts_with(&format!("{at}: unknown key")), "{message}");
        assert!(message.contains(&format!("did you mean \"{nearest}")), "{message}");
    }
}

#[test]
fn a_value_of_another_type_is_told_with_its_line() {
    for (text, told) in [
        ("[epoch]\ntick_ms = \"x\"", "m.toml:2: key \"epoch.tick_ms\" must be of type integer, not string"),
        ("[epoch]\ntick_ms = -1", "m.toml:2: key \"epoch.tick_ms\" cannot be used: invalid value"),
        ("\nlog.kind = \"paper\"", "m.toml:2: key \"log.kind\" cannot be used: unknown variant"),
        ("door = 3", "m.toml:1: key \"door\" is a table"),
        ("[[door]]\nlisten = \"a\"", "m.toml:1: key \"door\" is a table"),
        ("[workers]\ncount = 0", "m.toml:2: key \"workers.count\" must be at least 1"),
        ("log.partitions = 0", "m.toml:1: key \"log.partitions\" must be at least 1"),
        ("workers.count = 300", "m.toml:1: key \"workers.count\" must be at most 256"),
        ("epoch.max_bytes = 0", "m.toml:1: key \"epoch.max_bytes\" must be at least 1"),
        ("commit.attempts = 0", "m.toml:1: key \"commit.attempts\" must be at least 1"),
        ("pulse.hop_s = 31", "m.toml:1: key \"pulse.hop_s\" must not be longer"),
        ("pulse.low_hz = nan", "m.toml:1: key \"pulse.low_hz\" must be greater than 0"),
        ("pulse.real_percent = 101", "m.toml:1: key \"pulse.real_percent\" must be at most 100"),
        ("[epoch", "m.toml:1: not valid TOML"),
        ("a = 1\na = 2", "m.toml:2: not valid TOML"),
    ] {
        let message = refusal(text);
        assert!(message.starts_with(told), "{text:?}: {message}");
        assert!(!message.trim_end().contains('\n'), "more than one line: {message}");
    }
}

#[test]
fn two_values_at_fault_are_still_told() {
    let message = refusal("[epoch]\ntick_ms = -1\nidle_ms = -1");
    assert!(message.contains("epoch.") && message.contains("invalid value"), "{message}");
}

#[test]
fn a_table_without_keys_says_nothing() {
    let mut layers = Layers::defaults();
    layers.text("m.toml", "[door]\n[log.kafka.properties]\n[door.limits.spill]").unwrap();
    load(layers).unwrap();
}

#[test]
fn keys_without_a_default_can_be_set_as_text() {
    let mut layers = Layers::defaults();
    let flag = || Source::Flag("--set".into());
    layers.set_text("door.limits.spill.directory", "/tmp/m", flag()).unwrap();
    layers.set_text("door.limits.spill.bytes", "4096", flag()).unwrap();
    layers.set_text("log.kafka.group_id", "7", flag()).unwrap();
    let config = load(layers).unwrap().config;
    assert_eq!(config.door.limits.spill.unwrap().bytes, 4096);
    assert_eq!(config.log.kafka.group_id.unwrap(), "7");
}

#[test]
fn half_of_a_pair_is_told_by_the_half_that_is_there() {
    let message = refusal("[door.limits.spill]\ndirectory = \"/tmp/m\"");
    assert!(message.starts_with("m.toml:2: key \"door.limits.spill.directory\""), "{message}");
    assert!(message.contains("bytes"), "{message}");
}

#[test]
fn properties_keep_their_dots_and_their_secrets() {
    let mut layers = Layers::defaults();
    let text = "[log.kafka.properties]\n\"sasl.password\" = \"hunter2\"\nsecurity.protocol = \"SASL_SSL\"\n\
                \"ssl.key.pem\" = \"hunter2\"\n\"sasl.oauthbearer.config\" = \"hunter2\"";
    layers.text("m.toml", text).unwrap();
    let variable = [("MANPASIK_LOG__KAFKA__PROPERTIES__SSL__KEY__PASSWORD", "hunter2")];
    layers.environment(variables(&variable)).unwrap();
    let lines: Vec<_> =
        layers.effective().map(|(key, value, source)| format!("{key}={value} {source}")).collect();
    let all = lines.join("\n");
    assert!(!all.contains("hunter2"), "{all}");
    assert_eq!(shown(&layers, "log.kafka.properties.security.protocol").0, "\"SASL_SSL\"");
    let loaded = load(layers).unwrap();
    assert!(!format!("{loaded:?}").contains("hunter2"));
    let properties = loaded.config.log.kafka.properties;
    assert_eq!(properties["sasl.password"], "hunter2");
    assert_eq!(properties["security.protocol"], "SASL_SSL");
    assert_eq!(properties["ssl.key.password"], "hunter2");
}

#[test]
fn a_secret_of_another_type_is_refused_without_being_told() {
    let message = refusal("[log.kafka.properties]\n\"sasl.password\" = 271828");
    assert!(message.starts_with("m.toml:2: ") && message.contains("must be of type string"), "{message}");
    assert!(!message.contains("271828"), "{message}");
}

#[cfg(unix)]
#[test]
fn variables_that_are_no_text_matter_only_if_they_are_ours() {
    use std::os::unix::ffi::OsStringExt;
    let broken = || OsString::from_vec(vec![0xff]);
    let mut layers = Layers::defaults();
    layers.environment([("FOREIGN".into(), broken()), (broken(), "x".into())].into_iter()).unwrap();
    let refusal = layers.environment([("MANPASIK_DATA_DIR".into(), broken())].into_iter()).unwrap_err();
    assert_eq!(refusal.to_string(), "environment MANPASIK_DATA_DIR: key \"data_dir\" must be UTF-8 text");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_every_refusal_names_the_file(text in "[a-z\\[\\].=\"0-9 \n_-]{0,60}") {
        let mut layers = Layers::defaults();
        if let Err(error) = layers.text("m.toml", &text) {
            prop_assert!(error.to_string().starts_with("m.toml:"), "{}", error);
        } else if let Err(error) = load(layers) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn each_default_can_be_given_again_as_text(place in any::<prop::sample::Index>()) {
        let mut layers = Layers::defaults();
        let keys: Vec<_> = layers.values.iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect();
        let (key, value) = place.get(&keys);
        let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        layers.set_text(key, &text, Source::Flag("--set".into())).unwrap();
        prop_assert_eq!(&layers.values[key], &(value.clone(), Source::Flag("--set".into())));
        layers.assemble::<Config>().unwrap();
    }
}
