//! All stores on one engine.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::apply_relay::NatsApplyRelay;
use super::blobs::Blobs;
use super::chat_rooms::NatsChatRooms;
use super::follower::Start;
use super::guests::NatsGuests;
use super::moderation::NatsModeration;
use super::nodes::Nodes;
use super::orphans::remove_orphans;
use super::presence::NatsPresence;
use super::projects::NatsProjects;
use super::pull_requests::NatsPullRequests;
use super::replicas::Node;
use super::reviews::Reviews;
use super::settings::NatsSettings;
use super::setup;
use super::silence::watch_over;
use super::tombstones::forget_what_is_gone;
use super::uploads::NatsUploads;
use crate::adapters::outbound::loaded_project::ProjectMemory;
use crate::adapters::outbound::memory::MemoryChatRooms;
use crate::application::ports::{EngineState, StoreError, StoreResources, Stores, UploadStore};

/// Opens the stores. Uploads, drafts and what is being read lie in `files`, on this node.
///
/// # Errors
/// Why the engine cannot be used.
pub fn open_stores(
    settings: &NatsSettings,
    files: Arc<dyn UploadStore>,
    resources: StoreResources,
) -> BoxFuture<'_, Result<Stores, StoreError>> {
    // As a `dyn`, or each program would compile all of it once more.
    Box::pin(async move { Ok(open(settings, files, resources).await?.1) })
}

/// Opens the stores of a node.
///
/// # Errors
/// Why the engine cannot be used.
pub(crate) async fn open(
    settings: &NatsSettings,
    files: Arc<dyn UploadStore>,
    resources: StoreResources,
) -> Result<(Arc<Node>, Stores), StoreError> {
    let engine = setup::connect(settings, Arc::clone(&resources.engine)).await?;
    let rooms = MemoryChatRooms::new(&resources);
    let nodes = Arc::new(Nodes::start(&engine).await?);
    let rooms = NatsChatRooms::open(Arc::clone(&engine), Arc::clone(&nodes), rooms).await?;
    let (start, position) = Start::from_now(&engine, engine.subjects.log()).await?;
    let events = resources.events;
    let reviews = Reviews::load(&engine, Arc::clone(&events)).await?;
    let memory = ProjectMemory {
        budget: resources.memory,
        readers: AtomicUsize::new(0),
    };
    let (own, told, here) = (Arc::clone(&engine), Arc::clone(&events), resources.here);
    let presence = NatsPresence::start(own, Arc::clone(&nodes), told, here).await?;
    let presence = Arc::new(presence);
    let (own, told, there) = (
        Arc::clone(&engine),
        Arc::clone(&events),
        Arc::clone(&presence),
    );
    let apply_relay = Arc::new(NatsApplyRelay::new(
        own,
        Arc::clone(&nodes),
        there,
        told,
        Arc::clone(&reviews.tombstones),
    ));
    let blobs = Blobs::new(Arc::clone(&engine), Arc::clone(&files));
    let node = Node::new(
        Arc::clone(&engine),
        position,
        blobs,
        reviews,
        events,
        memory,
        Arc::clone(&apply_relay),
    );
    tokio::spawn(start.follow(Arc::downgrade(&node)));
    tokio::spawn(forget_what_is_gone(
        Arc::clone(&node.tombstones),
        Arc::downgrade(&engine),
    ));
    tokio::spawn(remove_orphans(nodes, Arc::downgrade(&engine)));
    let (state, state_of_engine) = watch::channel(EngineState::Ready);
    tokio::spawn(watch_over(
        Arc::downgrade(&engine),
        settings.patience,
        state,
    ));
    let uploads = Arc::new(NatsUploads::new(files));
    let moderation = NatsModeration::new(Arc::clone(&node));
    let stores = Stores {
        projects: Arc::new(NatsProjects(Arc::clone(&node))),
        pull_requests: Arc::new(NatsPullRequests {
            node: Arc::clone(&node),
            uploads: Arc::clone(&uploads),
        }),
        uploads,
        guests: Arc::new(NatsGuests(engine)),
        moderation: Arc::new(moderation),
        engine: state_of_engine,
        rooms: Some(Arc::new(rooms)),
        presence: Some(presence),
        apply_relay: Some(apply_relay),
    };
    Ok((node, stores))
}
