// Package gate decides who may ask the explorer, and serves those who may.
//
// What is behind the gate is who has access to what in an organization, so nothing
// is answered to somebody who merely reaches the port: neither to other users of
// the machine, nor to pages of the web in the same browser.
//
//   - The program prints one address with a random token. Asking for it exchanges the
//     token for a cookie that scripts cannot read and other sites cannot send, and
//     leads away from the address, so that the token stays in no history.
//   - Requests name a host and, where they name one, an origin that the gate was told
//     of. A name that an attacker's DNS points to this machine is neither.
//   - Requests that other sites cause are not answered, but for a person who follows
//     a link.
//   - Methods are GET and HEAD: there is nothing to change.
//   - No answer is stored, framed, sniffed, or named to another site, and the content
//     security policy allows what comes from here and nothing inline.
//   - Another address than one of this machine needs TLS.
//
// Browsers do not keep the cookies of different ports apart. The cookie's value is
// therefore not the token but one made for the browser, and it ends with the process.
package gate
