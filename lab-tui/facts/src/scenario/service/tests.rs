use std::time::Duration;

use crate::scenario::{Given, Plan, Service, StackKind, Target};

const SERVICES: &[&str] = &["frontend", "die-service"];

fn text(top: &str, services: &str, load: &str, more: &str) -> String {
    format!(
        "format = 1\ntitle = \"t\"\n{top}\n{services}\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 1\nduration = \"9s\"\n\
         {load}\n{more}\n"
    )
}

fn given() -> Given<'static> {
    Given { services: SERVICES, ..Given::default() }
}

const NONE: &str = "stack = \"none\"";
const MINE: &str = "[[service]]\nname = \"mine\"\ncommand = \"app --port {port}\"\nurl = \"http://127.0.0.1:{port}\"";
const TO_MINE: &str = "service = \"mine\"\n[[load.request]]\nget = \"/\"";
const ABSOLUTE: &str = "[[load.request]]\nget = \"https://example.org/x\"";

#[test]
fn a_service_is_read_with_its_defaults() {
    let plan = Plan::parse(&text("", MINE, TO_MINE, ""), "x", SERVICES).unwrap();
    assert_eq!(plan.stack, StackKind::Embedded);
    let [Service { name, command, env, dir, ready, ready_timeout, metrics, .. }] = &plan.services[..] else { panic!("{plan:?}") };
    assert_eq!((name.as_str(), command.len(), env.len(), dir, ready, metrics), ("mine", 3, 0, &None, &None, &None));
    assert_eq!(*ready_timeout, Duration::from_secs(30));
    assert!(matches!(&plan.loads[0].requests[0].target, Target::Service { service, .. } if service == "mine"));
    // Services know each other, whichever comes first, and those of the stack.
    let knows = format!("[[service]]\nname = \"other\"\ncommand = [\"x\", \"{{url:mine}}\", \"{{url:frontend}}\", \"{{}}\"]\n{MINE}");
    assert_eq!(Plan::parse(&text("", &knows, TO_MINE, ""), "x", SERVICES).unwrap().services.len(), 2);
}

#[test]
fn the_users_word_comes_before_the_files() {
    let absolute = text(NONE, "", ABSOLUTE, "");
    let stack = |text: &str, given: &Given<'_>| Plan::parse_given(text, "x", given).unwrap().stack;
    assert_eq!(stack(&absolute, &given()), StackKind::None);
    assert_eq!(stack(&absolute, &Given { stack: Some(StackKind::Embedded), ..given() }), StackKind::Embedded);
    let silent = text("", "", ABSOLUTE, "");
    assert_eq!(stack(&silent, &given()), StackKind::Embedded);
    assert_eq!(stack(&silent, &Given { default_stack: StackKind::None, ..given() }), StackKind::None);
    let app = Service::from_line("app", "x {port}", Some("http://127.0.0.1:{port}"), None).unwrap();
    let beside = Given { beside: Some(&app), ..given() };
    assert_eq!(Plan::parse_given(&text("", "", &TO_MINE.replace("mine", "app"), ""), "x", &beside).unwrap().services, [app]);
}

const ATTACH: &str = "stack = \"attach\"";

#[test]
fn what_runs_already_is_known_by_the_names_that_the_user_gives() {
    let attached = ["shop".to_owned(), "till".to_owned()];
    let given = Given { attached: Some(&attached), ..given() };
    let to = |service: &str| format!("service = \"{service}\"\n[[load.request]]\nget = \"/\"");
    let read = |text: &str, given: &Given<'_>| Plan::parse_given(text, "x", given).map_err(|refusals| refusals.to_string());
    let promise = "[thresholds]\n\"pool_pending{service:till}\" = [\"max<5\"]";
    let plan = read(&text(ATTACH, "", &to("shop"), promise), &given).unwrap();
    assert_eq!((plan.stack, plan.services.len()), (StackKind::Attach, 0));
    // The user's word is enough, and programs of the scenario's own run beside what is attached, and know it.
    let insisted = Given { stack: Some(StackKind::Attach), ..given };
    let beside = MINE.replace("{port}\"\nurl", "{port} {url:shop}\"\nurl");
    assert_eq!(read(&text("", &beside, TO_MINE, ""), &insisted).unwrap().services.len(), 1);
    // Lines may come from what is behind the services that are attached.
    let behind = "[[expect]]\nname = \"e\"\nlogs = { service = \"stock\" }\ncount = \">=1\"";
    assert_eq!(read(&text(ATTACH, "", &to("shop"), behind), &given).unwrap().expectations.len(), 1);
    // Whoever only reads the file has nothing attached, and takes its word.
    let unknown = Given { attached: None, ..given };
    assert_eq!(read(&text(ATTACH, &beside, &to("shop"), promise), &unknown).unwrap().stack, StackKind::Attach);
    let fault = "[[fault]]\nname = \"f\"\nat = \"1s\"\nduration = \"1s\"\nkind = \"service.error\"\nservice = \"shop\"";
    for (text, refusal) in [
        (
            text(ATTACH, "", &to("shp"), ""),
            "x:10:11: the stack is `attach`, and nothing is attached as `shp` (add `--service shp=http://HOST:PORT`)",
        ),
        (
            text(ATTACH, "", &to("shop"), fault),
            "`service.error` would disturb what is not the lab's own, and the stack is `attach` (run it on the embedded stack",
        ),
        (text(ATTACH, "", &to("shop"), &promise.replace("till", "tll")), "unknown service `tll` (did you mean `till`?)"),
        (
            text(ATTACH, "", &to("shop"), &promise.replace("till", "warehouse")),
            "unknown service `warehouse` (add `--service warehouse=http://HOST:PORT`)",
        ),
        (text(ATTACH, &MINE.replace("mine", "till"), &to("till"), ""), "`till` is taken by a service of the stack"),
    ] {
        let refused = read(&text, &given).unwrap_err();
        assert!(refused.contains(refusal), "{refused}");
    }
    assert!(read(&text("", "", &to("shop"), ""), &given).unwrap_err().contains("unknown service `shop`"), "the stack is the embedded one");
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_the_way_out() {
    let fault = |keys: &str| format!("[[fault]]\nname = \"f\"\nat = \"1s\"\nduration = \"1s\"\n{keys}");
    let service = |keys: &str| format!("[[service]]\nname = \"mine\"\n{keys}");
    for (text, refusal) in [
        (text("stack = \"compose\"", "", ABSOLUTE, ""), "x:3:9: unknown stack `compose` (known here: embedded, attach, none)"),
        (
            text(NONE, "", "service = \"frontend\"\n[[load.request]]\nget = \"/\"", ""),
            "x:10:11: `frontend` belongs to the embedded stack, and the stack is `none` (run it on the embedded stack",
        ),
        (text(NONE, "", "service = \"min\"\n[[load.request]]\nget = \"/\"", ""), "x:10:11: unknown service `min` (nothing is known here)"),
        (text(NONE, MINE, "service = \"min\"\n[[load.request]]\nget = \"/\"", ""), "unknown service `min` (did you mean `mine`?)"),
        (
            text(NONE, "", ABSOLUTE, &fault("kind = \"db.lock\"\ntable = \"t\"")),
            "x:16:8: `db.lock` disturbs the embedded stack's database, and the stack is `none`",
        ),
        (text(NONE, "", ABSOLUTE, &fault("kind = \"dice.error_rate\"\ndie = \"d\"\nrate = 1.0")), "`dice.error_rate` disturbs"),
        (
            text(NONE, MINE, TO_MINE, &fault("kind = \"service.error\"\nservice = \"mine\"")),
            "`service.error` is for the embedded stack's own services, and `mine` is none here (leave the fault out)",
        ),
        (text("", MINE, TO_MINE, &fault("kind = \"service.error\"\nservice = \"mine\"")), "and `mine` is none here"),
        (text(NONE, "", ABSOLUTE, &fault("kind = \"service.error\"\nservice = \"frontend\"")), "and `frontend` is none here"),
        (text("", "[[service]]\ncommand = \"x\"", ABSOLUTE, ""), "the key `name` is missing here"),
        (text("", &service(""), ABSOLUTE, ""), "the key `command` is missing here"),
        (text("", &service("command = \"x\"\nurls = 1"), ABSOLUTE, ""), "unknown key `urls` (did you mean `url`?)"),
        (
            text("", &MINE.replace("mine", "frontend"), ABSOLUTE, ""),
            "x:5:8: `frontend` is taken by a service of the stack (give it another name)",
        ),
        (text("", &MINE.replace("mine", "lab"), ABSOLUTE, ""), "`lab` is taken by the lab's own"),
        (text("", &MINE.replace("mine", "my app"), ABSOLUTE, ""), "`my app` cannot be a service's name"),
        (text("", &format!("{MINE}\n{MINE}"), ABSOLUTE, ""), "a second service is named `mine`"),
        (text("", &service("command = \"a > b\""), ABSOLUTE, ""), "x:6:11: `>` would need a shell, and none is run"),
        (text("", &service("command = []"), ABSOLUTE, ""), "the command names no program"),
        (text("", &service("command = 7"), ABSOLUTE, ""), "a string or a list of strings"),
        (text("", &service("command = \"x\""), TO_MINE, ""), "the service `mine` has no `url`"),
        (text("", &service("command = \"x\"\nurl = \"ftp://h\""), ABSOLUTE, ""), "x:7:7: `ftp://h` is neither http:// nor https://"),
        (text("", &service("command = \"x\"\nurl = \"127.0.0.1\""), ABSOLUTE, ""), "`127.0.0.1` is no URL"),
        (text("", &service("command = \"x\"\nurl = \"http://u:p@h\""), ABSOLUTE, ""), "a URL with a password in it would be shown"),
        (text("", &service("command = \"x\"\nurl = \"http://h/?a\""), ABSOLUTE, ""), "parameters belong to the requests"),
        (text("", &service("command = \"x\"\nurl = \"{url:frontend}\""), ABSOLUTE, ""), "`{url:frontend}` cannot be a part of `url`"),
        (
            text("", &service("command = \"x {url:min}\"\nurl = \"http://h\""), ABSOLUTE, ""),
            "x:5:8: `mine` asks for `{url:min}`, and no service of that name has a URL",
        ),
        (text(NONE, &service("command = \"x {url:frontend}\""), ABSOLUTE, ""), "asks for `{url:frontend}`"),
        (text("", &service("command = \"x\"\nready_timeout = \"5s\""), ABSOLUTE, ""), "there is nothing to wait for"),
        (text("", &service("command = \"x\"\nenv = { \"A=B\" = \"1\" }"), ABSOLUTE, ""), "`A=B` is no name of a variable"),
    ] {
        let refused = Plan::parse_given(&text, "x", &given()).unwrap_err().to_string();
        assert!(refused.contains(refusal), "{text}\n{refused}\n{refusal}");
    }
}
