use serde_json::Value;
use tokio::time::sleep;

use super::*;
use crate::adapters::outbound::contract_tests::nats_server::settings;
use crate::adapters::outbound::nats::setup;

async fn three() -> [Nodes; 3] {
    let settings = settings();
    let start = async || {
        let engine = setup::connect(&settings, Arc::default())
            .await
            .expect("connects");
        Nodes::start(&engine).await.expect("starts")
    };
    let nodes = [start().await, start().await, start().await];
    for node in &nodes {
        while node.living().len() < nodes.len() {
            sleep(Duration::from_millis(10)).await;
        }
    }
    nodes
}

/// Asks until `count` nodes have answered: they may not have begun to listen.
async fn ask<A: DeserializeOwned + Send>(
    node: &Nodes,
    about: &str,
    question: usize,
    count: usize,
) -> Vec<A> {
    loop {
        let answers = node.ask(about, &question).await;
        if answers.len() >= count {
            return answers;
        }
    }
}

#[tokio::test]
async fn nodes_know_each_other_in_one_order_and_answer_what_the_others_ask() {
    let nodes = three().await;
    let living = nodes[0].living();
    assert!(living.is_sorted());
    for (number, node) in nodes.iter().enumerate() {
        assert_eq!(node.living(), living);
        assert!(living.contains(&node.own()));
        let answer = move |question: usize| (number, question);
        node.answer("sums", answer).await.expect("listens");
    }
    for (number, node) in nodes.iter().enumerate() {
        let mut answers: Vec<(usize, usize)> = ask(node, "sums", number + 10, 2).await;
        answers.sort_unstable();
        let others = (0..nodes.len()).filter(|other| *other != number);
        let expected: Vec<_> = others.map(|other| (other, number + 10)).collect();
        assert_eq!(answers, expected);
    }
    let begun = Instant::now();
    let answers: Vec<(usize, usize)> = nodes[0].ask("sums", &0).await;
    assert_eq!(answers.len(), 2);
    assert!(begun.elapsed() < ANSWERS, "it waits for nobody else");
}

#[tokio::test]
async fn who_does_not_answer_is_not_waited_for() {
    let [asking, answering, silent] = three().await;
    let answer = |question: usize| question + 1;
    answering.answer("next", answer).await.expect("listens");
    let answers: Vec<usize> = ask(&asking, "next", 7, 1).await;
    assert_eq!(answers, [8]);
    let begun = Instant::now();
    let answers: Vec<usize> = asking.ask("next", &8).await;
    assert_eq!(answers, [9]);
    assert!(begun.elapsed() >= ANSWERS);
    drop((answering, silent));
}

#[tokio::test]
async fn what_has_another_format_is_neither_heard_nor_answered() {
    let [one, other, third] = three().await;
    let answer = |_: Value| "not asked";
    other.answer("anything", answer).await.expect("listens");
    let answers: Vec<String> = ask(&one, "anything", 0, 1).await;
    assert_eq!(answers, ["not asked"]);
    for wrong in [
        r#"{"format":2,"node":"00000000000000aa","body":null}"#,
        r#"{"format":1,"node":"no number","body":null}"#,
        "nonsense",
    ] {
        let engine = &one.engine;
        let beat = engine.subjects.beat(NodeId::random());
        let sent = engine.client.publish(beat, wrong.into()).await;
        sent.expect("sent");
        let question = engine.subjects.question("anything");
        let asked = timeout(ANSWERS, engine.client.request(question, wrong.into()));
        asked.await.expect_err("no answer");
    }
    assert_eq!(one.living().len(), 3);
    drop(third);
}
