//! Settings: who is logged in, and what was done.

use std::collections::HashSet;
use std::future::IntoFuture;

use car_domain::access::{AuditEntry, Device};
use car_domain::format;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::api::{self, AccessView, RevokeDevice, Site};
use crate::base::at;
use crate::components::{
    ConnectionBanner, Glyph, Icon, MainBar, MainPage, PostForm, Region, Section, ThemeToggle, When,
};
use crate::fleet::Fleet;
use crate::live::{LiveMessage, use_live};
use crate::routes::SiteResource;
use car_domain::live::LiveEvent;

/// `/settings`.
#[component]
pub(crate) fn SettingsPage() -> impl IntoView {
    let site = SiteResource::get();
    let revoke = ServerAction::<RevokeDevice>::new();
    let access = Resource::new(move || revoke.version().get(), |_| api::read_access());
    let load = move || {
        let (site, access) = (site.read(), access.into_future());
        async move { Ok((site.await?, access.await?)) }
    };
    let show = move |(site, access): (Site, AccessView)| {
        view! { <Settings site access revoke/> }.into_any()
    };
    view! { <Region load show/> }
}

#[component]
fn Settings(
    /// What is served.
    site: Site,
    /// Who may use it.
    access: AccessView,
    /// Logs a device out.
    revoke: ServerAction<RevokeDevice>,
) -> impl IntoView {
    let fleet = Fleet::get();
    use_live(None, move |message| match message {
        LiveMessage::Event(LiveEvent::Row { row }) => fleet.apply(&row),
        LiveMessage::Event(LiveEvent::Gone { repo }) => fleet.remove(&repo),
        LiveMessage::Event(_) => {}
        LiveMessage::Refetch => fleet.refetch(),
    });
    let is_hub = site.is_hub();
    let AccessView { devices, own, audit, is_open } = access;
    view! {
        <Title text=format!("Settings · {} · CAR", site.name)/>
        <header class="top top--plain">
            <div class="top__row">
                <a class="btn btn--icon top__back narrow" href=at("/") aria-label="Back to the start">
                    <Icon glyph=Glyph::Back/>
                </a>
                <h1>"Settings"</h1>
                <span class="muted small clip">{site.name}</span>
                <span class="row push narrow"><ThemeToggle/></span>
            </div>
            <ConnectionBanner/>
        </header>
        <main class="page settings" id="main" tabindex="-1">
            <Section id="devices" title="Devices">
                <Devices devices own is_open revoke/>
            </Section>
            <Section id="record" title="Record">
                <Record audit/>
            </Section>
        </main>
        <MainBar is_hub page=MainPage::Settings/>
    }
}

#[component]
fn Devices(
    /// Browsers that are logged in.
    devices: Vec<Device>,
    /// Id of this one.
    own: Option<String>,
    /// Whether nobody has to log in.
    is_open: bool,
    /// Logs a device out.
    revoke: ServerAction<RevokeDevice>,
) -> impl IntoView {
    let failed = move || {
        let error = revoke.value().get()?.err()?;
        Some(view! { <p class="field__error" role="alert">{error.message}</p> })
    };
    let row = move |device: Device| {
        let is_own = own.as_deref() == Some(device.id.as_str());
        view! { <DeviceRow device is_own revoke/> }
    };
    let list = match (is_open, devices.is_empty()) {
        (true, _) => view! {
            <p class="soft measure">
                "Nobody has to log in here (" <code>"server.auth: off"</code> "), so no devices are known."
            </p>
        }
        .into_any(),
        (false, true) => view! { <p class="soft">"No browser is logged in."</p> }.into_any(),
        (false, false) => {
            view! { <ul class="list">{devices.into_iter().map(row).collect_view()}</ul> }.into_any()
        }
    };
    view! {
        {list}
        {failed}
        <p class="small muted measure" hidden=is_open>
            "Run " <code>"car pair"</code> " on the server to let another phone or computer in."
        </p>
    }
}

#[component]
fn DeviceRow(
    /// The device.
    device: Device,
    /// Whether it is this one.
    is_own: bool,
    /// Logs it out.
    revoke: ServerAction<RevokeDevice>,
) -> impl IntoView {
    let Device { id, name, created_at, last_used_at, address } = device;
    let from = address.map(|address| format!(", from {address}"));
    view! {
        <li class="item">
            <span class="item__main">
                <span class="item__title">{name.clone()}</span>
                <span class="item__sub">
                    {if is_own {
                        "This device".into_any()
                    } else {
                        view! { "Last used " <When at=last_used_at/> {from} }.into_any()
                    }}
                    ", since " <When at=created_at/>
                </span>
            </span>
            {if is_own {
                view! {
                    <form class="push" method="post" action=at("/logout")>
                        <button class="btn" type="submit">"Log out"</button>
                    </form>
                }.into_any()
            } else {
                view! {
                    <PostForm action=revoke class="push">
                        <input type="hidden" name="id" value=id/>
                        <button class="btn" type="submit" aria-label=format!("Log out {name}")>"Log out"</button>
                    </PostForm>
                }.into_any()
            }}
        </li>
    }
}

/// Who did what. What was asked comes from outside and only ever becomes text.
#[component]
fn Record(
    /// Its lines, newest first.
    audit: Vec<AuditEntry>,
) -> impl IntoView {
    if audit.is_empty() {
        return view! { <p class="soft">"Nothing was changed yet."</p> }.into_any();
    }
    let note = format::count(audit.len() as u64, "newest entry", "newest entries");
    let n_callers = audit.iter().map(|entry| entry.who.as_str()).collect::<HashSet<_>>().len();
    let row = |entry: AuditEntry| {
        let refused = entry.action.contains("refused");
        view! {
            <tr>
                <td class="muted nowrap"><When at=entry.at/></td>
                <td>
                    {entry.who}
                    <span class="muted small">{entry.address.map(|address| format!(" {address}"))}</span>
                </td>
                <td class:bad=refused>{entry.action}</td>
                <td class="settings__detail"><code>{entry.detail}</code></td>
            </tr>
        }
    };
    view! {
        <p class="sec__note num">{note} ", by " {format::count(n_callers as u64, "caller", "callers")}</p>
        <div class="settings__record">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"When"</th>
                        <th scope="col">"Who"</th>
                        <th scope="col">"What"</th>
                        <th scope="col">"Details"</th>
                    </tr>
                </thead>
                <tbody>{audit.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}
