//! `w`: why the second under the cursor was bad.

use lab_facts::event::{Breakdown, Chosen, Hop, HopKind};

use super::*;

/// As [`model`], with requests that were looked at: in the lock all of their time is a wait for a connection.
fn looked_at(seconds: u64) -> Model {
    let mut model = model(seconds);
    for second in 0..seconds {
        let locked = (15..25).contains(&second);
        let one = |number: u64| {
            let (kind, name, micros) = if locked { (HopKind::Pool, "orders", 1_500_000) } else { (HopKind::Service, "orders", 5_000) };
            Breakdown {
                at: Duration::from_millis(second * 1000 + number * 50),
                load: 0,
                trace_id: TraceId((u128::from(second * 100 + number + 1) << 96 | 0xabc).to_be_bytes()),
                outcome: Outcome::Status(200),
                failed: Some(false),
                chosen: Chosen::Sampled,
                whole: true,
                micros,
                parts: vec![(Arc::new(Hop { kind, name: name.into() }), micros)],
                traits: Vec::new(),
            }
        };
        model.apply(Event { at: Duration::from_secs(second), fact: Fact::Breakdowns((0..20).map(one).collect()) });
    }
    model
}

#[test]
fn the_cursor_leads_to_what_tells_its_second_from_the_calm() {
    let (model, mut ui) = (looked_at(30), ui());
    press(&mut ui, &model, &[KeyCode::Char('p'), KeyCode::Char('w')]);
    let shown = text(&drawn(&model, &mut ui, (120, 36)));
    for part in
        ["why (↑ ↓, Esc)", "from the calm (60 requests looked at)", "connection pool of orders", "the difference is attributed to", "100 %"]
    {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    // Below the end is the end; further up are the lines that did not fit.
    press(&mut ui, &model, &[KeyCode::Down; 200]);
    let end = text(&drawn(&model, &mut ui, (120, 20)));
    assert!(end.contains("trace 0") && !end.contains("looked at"), "{end}");
    press(&mut ui, &model, &[KeyCode::Home]);
    assert!(text(&drawn(&model, &mut ui, (60, 20))).contains("what tells the time from"));
    press(&mut ui, &model, &[KeyCode::Esc]);
    assert_eq!(ui.overlay, None);
    assert!(ui.cursor.is_some(), "Esc closes what lies above, and no more");
    // Without a cursor it is about the whole run.
    press(&mut ui, &model, &[KeyCode::End, KeyCode::Char('w')]);
    assert!(text(&drawn(&model, &mut ui, (120, 36))).contains("why requests were slow, or failed (600 requests looked at)"));
}
