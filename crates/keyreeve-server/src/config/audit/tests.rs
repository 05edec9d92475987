//! `[audit]` as files give it.

use super::*;
use crate::config::Config;

const REST: &str = "[deployment]\ndata = \"d\"\nregions = [\"eu-central-1\"]\n[listen]\naddresses = [\"127.0.0.1:1\"]\n\
                    [unseal]\nkey_file = \"k\"\n[audit]\n";

fn parse(audit: &str) -> Result<Config, Vec<String>> {
    Config::parse(&format!("{REST}{audit}"), std::iter::empty(), Path::new("/etc/keyreeve"))
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn nothing_need_be_said_and_an_hour_of_records_is_reserved() {
    let audit = parse("").unwrap().audit;
    assert_eq!(audit, AuditConfig::default());
    assert_eq!(audit.settings().reserve_bytes, 20 * 3_600 * 1_500);
    let audit = parse("records_per_second = 100\nsegment_mib = 8\nretention_gib = 2").unwrap().audit;
    assert_eq!(audit.settings().reserve_bytes, 100 * 3_600 * 1_500);
    assert_eq!(audit.settings().segment_bytes, 8 << 20);
    assert_eq!(audit.retention.bytes, Some(2 << 30));
}

#[test]
fn streams_and_notices_are_lists_of_tables_and_show_as_they_were_given() {
    let text = "hashed_context_keys = [\"PatientId\"]\nretention_days = 400\nexport_folder = \"old\"\n\
                [[audit.stream]]\nkind = \"stdout\"\n\
                [[audit.stream]]\nkind = \"unix\"\npath = \"collector.sock\"\nfrom_beginning = true\n\
                [[audit.stream]]\nname = \"siem\"\nkind = \"otlp\"\nurl = \"https://otel.example:4318\"\n\
                headers_file = \"/run/secrets/otel\"\nca_file = \"ca.pem\"\n\
                [[audit.notices]]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:1/hook\"\ntoken_file = \"token\"\n\
                [[audit.notices]]\nkind = \"unix\"\npath = \"/run/notices.sock\"\n";
    let config = parse(text).unwrap();
    let shown: Vec<_> =
        config.audit.feeds.iter().map(|feed| (feed.full_name(), feed.from_beginning)).collect();
    let expected = [
        ("stream-stdout", false),
        ("stream-unix", true),
        ("stream-siem", false),
        ("notices-webhook", false),
        ("notices-unix", false),
    ];
    assert_eq!(shown, expected.map(|(name, from)| (name.to_owned(), from)));
    assert_eq!(config.audit.feeds[1].target, Target::Unix("/etc/keyreeve/collector.sock".into()));
    let again = Config::parse(&config.to_string(), std::iter::empty(), Path::new("/"));
    assert_eq!(again, Ok(config));
}

#[test]
fn each_mistake_is_named_with_its_line() {
    for (audit, expected) in [
        ("buffered = true", "line 9: unknown setting audit.buffered: [audit] has records_per_second"),
        ("segment_mib = 2000", "line 9: audit.segment_mib is at most 1024"),
        ("records_per_second = 0", "line 9: audit.records_per_second takes a whole number above zero"),
        ("export_folder = \"x\"", "line 9: audit.export_folder needs audit.retention_days"),
        ("stream = 1", "line 9: audit.stream is a list of tables: write [[audit.stream]]"),
        ("[audit.stream]\nkind = \"stdout\"", "line 9: audit.stream is a list of tables"),
        (
            "[[audit.streams]]\nkind = \"stdout\"",
            "line 9: unknown setting audit.streams: did you mean stream?",
        ),
        ("[[audit.stream]]\nkind = 1", "line 10: audit.stream.kind takes a text in quotes"),
        ("[[audit.stream]]\nknd = \"unix\"", "line 10: unknown setting audit.stream.knd: did you mean kind?"),
        (
            "[[audit.stream]]\n",
            "line 9: audit.stream.kind is one of \"stdout\", \"unix\", \"otlp\", and it is missing",
        ),
        (
            "[[audit.stream]]\nkind = \"syslog\"",
            "line 10: audit.stream.kind is one of \"stdout\", \"unix\", \"otlp\", and this is `syslog`",
        ),
        ("[[audit.stream]]\nkind = \"unix\"", "line 9: audit.stream of kind \"unix\" needs path"),
        (
            "[[audit.stream]]\nkind = \"stdout\"\npath = \"x\"",
            "line 11: audit.stream.path does not belong to the kind \"stdout\"",
        ),
        (
            "[[audit.stream]]\nkind = \"otlp\"\nurl = \"http://otel:4318\"",
            "line 11: audit.stream.url: `http://otel:4318` is without TLS",
        ),
        (
            "[[audit.stream]]\nkind = \"otlp\"\nurl = \"otel\"",
            "line 11: audit.stream.url: `otel` is not a URL",
        ),
        ("[[audit.stream]]\nkind = \"stdout\"\nname = \"a/b\"", "line 11: audit.stream.name takes a-z"),
        (
            "[[audit.stream]]\nkind = \"stdout\"\n[[audit.stream]]\nkind = \"stdout\"",
            "line 11: two audit.stream are named `stdout`",
        ),
        (
            "[[audit.notices]]\nkind = \"stdout\"",
            "line 10: audit.notices.kind is one of \"webhook\", \"unix\"",
        ),
        (
            "[[audit.notices]]\nkind = \"webhook\"\nurl = \"https://a\"\nheaders_file = \"h\"",
            "line 12: unknown setting audit.notices.headers_file: [audit.notices] has kind, url, token_file",
        ),
    ] {
        let problems = parse(audit).unwrap_err();
        assert!(problems[0].starts_with(expected), "{expected}: {problems:#?}");
        // A misspelt name is missing too.
        assert!(problems.len() == 1 || audit.contains("knd"), "{problems:#?}");
    }
}
