package jumpcloud

import (
	"context"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// deviceFields are the fields of a device that are decoded, as the API wants them in one
// string.
const deviceFields = "_id id displayName hostname os osFamily version osVersionDetail serialNumber hwVendor hwModel agentVersion fde active " +
	"primarySystemUser lastContact created organization"

// Devices reads a window of the devices, sorted by id. Up to 1,000 rows may be asked for;
// where so many are refused, or the search is and the plain list takes its place, a page
// has 100 at most.
//
// JumpCloud API v1, POST /search/systems and GET /systems.
func (c *Client) Devices(ctx context.Context, w paging.Window) (paging.Page[Device], error) {
	search := func(limit int) func(context.Context) (paging.Page[Device], error) {
		return func(ctx context.Context) (paging.Page[Device], error) {
			body := map[string]any{"fields": deviceFields, "sort": "_id", "skip": w.Skip, "limit": limit}
			return readPage(ctx, c, call{route: routeDeviceSearch, body: body}, (*deviceRow).model)
		}
	}
	list := func(fields string) func(context.Context) (paging.Page[Device], error) {
		return func(ctx context.Context) (paging.Page[Device], error) {
			few := w
			few.Limit = min(w.Limit, listLimit)
			query := queryOf(few)
			query.Set("sort", "_id")
			setUnlessEmpty(query, "fields", fields)
			return readPage(ctx, c, call{route: routeDevices, query: query}, (*deviceRow).model)
		}
	}
	return try(ctx, c.logger, &c.short.deviceSearch, func(ctx context.Context) (paging.Page[Device], error) {
		page, err := search(w.Limit)(ctx)
		if w.Limit <= listLimit || !isForm(err) {
			return page, err
		}
		return try(ctx, c.logger, &c.short.deviceSearchSize, func(context.Context) (paging.Page[Device], error) { return page, err }, search(listLimit))
	}, func(ctx context.Context) (paging.Page[Device], error) {
		return try(ctx, c.logger, &c.short.deviceFields, list(deviceFields), list(""))
	})
}

// Device reads one device. [IsNotFound] tells when there is none.
//
// JumpCloud API v1, GET /systems/{id}.
func (c *Client) Device(ctx context.Context, id string) (*Device, error) {
	return readObject(ctx, c, routeDevice, id, (*deviceRow).model)
}

// DeviceGroups reads a window of the device groups, sorted by id where the tenant obeys; at
// most 100 rows may be asked for.
//
// JumpCloud API v2, GET /systemgroups.
func (c *Client) DeviceGroups(ctx context.Context, w paging.Window) (paging.Page[DeviceGroup], error) {
	read := func(sort string) func(context.Context) (paging.Page[DeviceGroup], error) {
		return func(ctx context.Context) (paging.Page[DeviceGroup], error) {
			query := queryOf(w)
			setUnlessEmpty(query, "sort", sort)
			return readPage(ctx, c, call{route: routeDeviceGroups, query: query}, (*groupRow).device)
		}
	}
	return try(ctx, c.logger, &c.short.deviceGroupOrder, read("id"), read(""))
}

// DeviceGroup reads one device group. [IsNotFound] tells when there is none.
//
// JumpCloud API v2, GET /systemgroups/{id}.
func (c *Client) DeviceGroup(ctx context.Context, id string) (*DeviceGroup, error) {
	return readObject(ctx, c, routeDeviceGroup, id, (*groupRow).device)
}

// DeviceGroupMembers reads a window of the devices in a device group, as
// [Client.GroupMembers] reads the members of a user group.
//
// JumpCloud API v2, GET /systemgroups/{id}/members.
func (c *Client) DeviceGroupMembers(ctx context.Context, id string, w paging.Window) (paging.Page[Connection], error) {
	return readPage(ctx, c, call{route: routeDeviceGroupMembers, id: id, query: queryOf(w)}, (*connectionRow).model)
}

// deviceRow is a device as sent.
type deviceRow struct {
	MongoID      text               `json:"_id"`
	ID           text               `json:"id"`
	DisplayName  text               `json:"displayName"`
	Hostname     text               `json:"hostname"`
	OS           text               `json:"os"`
	OSFamily     text               `json:"osFamily"`
	Version      text               `json:"version"`
	Detail       maybe[osDetailRow] `json:"osVersionDetail"`
	SerialNumber text               `json:"serialNumber"`
	Vendor       text               `json:"hwVendor"`
	Model        text               `json:"hwModel"`
	AgentVersion text               `json:"agentVersion"`
	FDE          maybe[fdeRow]      `json:"fde"`
	Active       Flag               `json:"active"`
	PrimaryUser  maybe[endRow]      `json:"primarySystemUser"`
	LastContact  stamp              `json:"lastContact"`
	Created      stamp              `json:"created"`
	Organization text               `json:"organization"`
}

type osDetailRow struct {
	Version text `json:"version"`
	Build   text `json:"build"`
}

type fdeRow struct {
	Active Flag `json:"active"`
}

func (r *deviceRow) model() (Device, bool, error) {
	id, err := idOf(r.MongoID, r.ID)
	if err != nil {
		return Device{}, false, err
	}
	return Device{
		ID: id, DisplayName: string(r.DisplayName), Hostname: string(r.Hostname), OS: string(r.OS), OSFamily: string(r.OSFamily),
		Version: string(either(r.Version, r.Detail.value.Version)), Build: string(r.Detail.value.Build),
		SerialNumber: string(r.SerialNumber), Vendor: string(r.Vendor), Model: string(r.Model), AgentVersion: string(r.AgentVersion),
		Encrypted: r.FDE.value.Active, Active: r.Active, PrimaryUser: string(r.PrimaryUser.value.ID),
		LastContact: r.LastContact.Time, Created: r.Created.Time, Organization: string(r.Organization),
	}, true, nil
}

// device is a row of /systemgroups, whose fields are those of a user group.
func (r *groupRow) device() (DeviceGroup, bool, error) {
	g, ok, err := r.model()
	return DeviceGroup{ID: g.ID, Name: g.Name, Description: g.Description, MembershipMethod: g.MembershipMethod, Organization: g.Organization}, ok, err
}

// sudoRow is an edge of a device as sent. The attributes of the edge and those of a user
// group at its end tell who is administrator.
type sudoRow struct {
	Attributes maybe[sudoAttributes] `json:"attributes"`
	To         maybe[sudoEnd]        `json:"to"`
}

type sudoEnd struct {
	endRow
	Attributes maybe[sudoAttributes] `json:"attributes"`
}

// sudoAttributes are what the attributes of an edge or a group say of sudo.
type sudoAttributes struct {
	Sudo maybe[struct {
		Enabled         Flag `json:"enabled"`
		WithoutPassword Flag `json:"withoutPassword"`
	}] `json:"sudo"`
}

func (r *sudoRow) model() (Connection, bool, error) {
	plain := connectionRow{To: maybe[endRow]{value: r.To.value.endRow, ok: r.To.ok}}
	c, ok, err := plain.model()
	c.GroupSudo = r.To.value.Attributes.value.Sudo.value.Enabled.IsTrue()
	c.Sudo = c.GroupSudo || r.Attributes.value.Sudo.value.Enabled.IsTrue()
	return c, ok, err
}
