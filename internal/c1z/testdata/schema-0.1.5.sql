-- The database as the SDK of version 0.1.5 needs it: no expansions, no types of
-- sync, no sessions, and of the indexes only the unique ones.
create table v1_resource_types (
    id integer primary key,
    external_id text not null,
    data blob not null,
    sync_id text not null,
    discovered_at datetime not null
);
create unique index idx_resource_types_external_sync_v1 on v1_resource_types (external_id, sync_id);
create table v1_resources (
    id integer primary key,
    resource_type_id text not null,
    external_id text not null,
    parent_resource_type_id text,
    parent_resource_id text,
    data blob not null,
    sync_id text not null,
    discovered_at datetime not null
);
create unique index idx_resources_parent_resource_id_v1 on v1_resources (external_id, sync_id);
create table v1_entitlements (
    id integer primary key,
    resource_type_id text not null,
    resource_id text not null,
    external_id text not null,
    data blob not null,
    sync_id text not null,
    discovered_at datetime not null
);
create unique index idx_entitlements_external_sync_v1 on v1_entitlements (external_id, sync_id);
create table v1_sync_runs (
    id integer primary key,
    sync_id text not null,
    started_at datetime not null,
    ended_at datetime,
    sync_token text not null
);
create unique index idx_sync_runs_sync_id_v1 on v1_sync_runs (sync_id);
create table v1_grants (
    id integer primary key,
    resource_type_id text not null,
    resource_id text not null,
    entitlement_id text not null,
    principal_resource_type_id text not null,
    principal_resource_id text not null,
    external_id text not null,
    data blob not null,
    sync_id text not null,
    discovered_at datetime not null
);
create unique index idx_grants_external_sync_v1 on v1_grants (external_id, sync_id);
create table v1_assets (
    id integer primary key,
    external_id text not null,
    content_type text not null,
    data blob not null,
    sync_id text not null,
    discovered_at datetime not null
);
create unique index idx_assets_external_sync_v1 on v1_assets (external_id, sync_id);
