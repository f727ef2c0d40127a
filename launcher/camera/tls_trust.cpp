// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/tls_trust.hpp"

#include "plugins/core/refs.hpp"
#include "plugins/core/weak_ref.hpp"

#include <gio/gio.h>

namespace {

struct Trust {
    std::string fingerprint;
    mutable sluice::WeakRef<GstElement> source; // it holds the database
};

// "AB:CD:..." of the SHA-256, as browsers and openssl show it.
std::string with_colons(const std::string& digits) {
    std::string out;
    for (size_t i = 0; i < digits.size(); i++) {
        if (i && i % 2 == 0)
            out += ':';
        out += g_ascii_toupper(digits[i]);
    }
    return out;
}

std::string fingerprint_of(GTlsCertificate* certificate) {
    GByteArray* der = nullptr;
    g_object_get(certificate, "certificate", &der, nullptr);
    if (!der)
        return {};
    const sluice::GString8 digits(g_compute_checksum_for_data(G_CHECKSUM_SHA256, der->data, der->len));
    g_byte_array_unref(der);
    return digits.get();
}

} // namespace

struct SluiceTlsTrust {
    GTlsDatabase parent;
    Trust* trust;
};
struct SluiceTlsTrustClass {
    GTlsDatabaseClass parent_class;
};

static GType sluice_tls_trust_get_type();
G_DEFINE_TYPE(SluiceTlsTrust, sluice_tls_trust, G_TYPE_TLS_DATABASE)

static GTlsCertificateFlags sluice_tls_trust_verify_chain(GTlsDatabase* database, GTlsCertificate* chain,
                                                          const gchar* purpose, GSocketConnectable* identity,
                                                          GTlsInteraction* interaction, GTlsDatabaseVerifyFlags flags,
                                                          GCancellable* cancellable, GError** error) {
    const Trust& trust = *reinterpret_cast<SluiceTlsTrust*>(database)->trust;
    const std::string shown = fingerprint_of(chain);
    if (!trust.fingerprint.empty() && shown == trust.fingerprint)
        return GTlsCertificateFlags(0);
    GTlsCertificateFlags wrong = G_TLS_CERTIFICATE_UNKNOWN_CA;
    if (trust.fingerprint.empty()) {
        const auto system = sluice::adopt(g_tls_backend_get_default_database(g_tls_backend_get_default()));
        wrong =
            g_tls_database_verify_chain(system.get(), chain, purpose, identity, interaction, flags, cancellable, error);
        if (wrong == 0)
            return wrong;
    }
    const auto source = trust.source.get();
    const std::string ending = "its SHA-256 is " + with_colons(shown);
    if (source && trust.fingerprint.empty())
        GST_ELEMENT_ERROR(source.get(), RESOURCE, OPEN_READ,
                          ("the camera's certificate is not trusted; %s: compare it, and write it into tls-fingerprint",
                           ending.c_str()),
                          (nullptr));
    else if (source)
        GST_ELEMENT_ERROR(source.get(), RESOURCE, OPEN_READ,
                          ("the camera's certificate is another one than tls-fingerprint names; %s", ending.c_str()),
                          (nullptr));
    return wrong;
}

static void sluice_tls_trust_finalize(GObject* object) {
    delete reinterpret_cast<SluiceTlsTrust*>(object)->trust;
    G_OBJECT_CLASS(sluice_tls_trust_parent_class)->finalize(object);
}

static void sluice_tls_trust_class_init(SluiceTlsTrustClass* klass) {
    G_OBJECT_CLASS(klass)->finalize = sluice_tls_trust_finalize;
    G_TLS_DATABASE_CLASS(klass)->verify_chain = sluice_tls_trust_verify_chain;
}

static void sluice_tls_trust_init(SluiceTlsTrust* self) { self->trust = nullptr; }

namespace sluice {

void set_tls_trust(GstElement* source, const std::string& fingerprint) {
    if (!g_object_class_find_property(G_OBJECT_GET_CLASS(source), "tls-database"))
        return;
    const auto database = adopt(static_cast<GTlsDatabase*>(g_object_new(sluice_tls_trust_get_type(), nullptr)));
    reinterpret_cast<SluiceTlsTrust*>(database.get())->trust = new Trust{fingerprint, WeakRef<GstElement>(source)};
    g_object_set(source, "tls-database", database.get(), nullptr);
}

} // namespace sluice
