// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/tls_keeper.hpp"

#include "launcher/config/secret.hpp"
#include "launcher/config/time_text.hpp"
#include "launcher/http/self_signed.hpp"
#include "launcher/log.hpp"

#include <sys/stat.h>

#include <ctime>
#include <utility>

namespace sluice {

namespace {

constexpr const char* own_file = "tls.pem";
constexpr size_t max_pem = 256 * 1024;
constexpr guint watch_seconds = 2;
constexpr int64_t day = 24 * 3600;
constexpr int64_t renew_before = 30 * day, warn_before = 14 * day;

Result<std::string> read_pem(const std::string& path) {
    Result<std::string> text = read_small_file(path, max_pem);
    if (!text)
        return Error{text.error().kind, path + ": cannot be read: " + text.error().text};
    return text;
}

} // namespace

TlsKeeper::Stamps TlsKeeper::stamps() const {
    if (config_.self_signed)
        return {FileStamp::of(state_.file(own_file)), FileStamp()};
    return {FileStamp::of(config_.certificate), FileStamp::of(config_.key)};
}

Result<std::shared_ptr<const TlsIdentity>> TlsKeeper::read() const {
    const std::string certificate_path = config_.self_signed ? state_.file(own_file) : config_.certificate;
    const std::string key_path = config_.self_signed ? certificate_path : config_.key;
    Result<std::string> certificate = read_pem(certificate_path);
    if (!certificate)
        return certificate.error();
    Result<std::string> key = read_pem(key_path);
    if (!key)
        return key.error();
    auto out = TlsIdentity::parse(certificate.value(), key.value());
    explicit_bzero(key.value().data(), key.value().size());
    if (!out)
        return Error{out.error().kind, certificate_path + (key_path == certificate_path ? "" : ", " + key_path) + ": " +
                                           out.error().text};
    return out;
}

Result<std::shared_ptr<const TlsIdentity>> TlsKeeper::read_or_make(int64_t now) const {
    auto found = read();
    if (!config_.self_signed || (found && found.value()->ends() - now > renew_before))
        return found;
    if (!found && found.error().kind != ErrorKind::missing_file)
        return found; // not overwritten: somebody has put it there
    const auto made = make_self_signed(names_of_this_machine(), now);
    if (!made)
        return made.error();
    if (const Result<bool> written = state_.write(own_file, made.value()); !written)
        return written.error();
    return read();
}

Result<std::unique_ptr<TlsKeeper>> TlsKeeper::open(const TlsConfig& config, const StateDirectory& state, int64_t now) {
    std::unique_ptr<TlsKeeper> out(new TlsKeeper(config, state));
    // Before reading: what changes meanwhile is seen the next time.
    Stamps before = out->stamps();
    auto identity = out->read_or_make(now);
    if (!identity)
        return identity.error();
    if (config.self_signed)
        before = out->stamps();
    out->taken_ = out->seen_ = before;
    out->server_ = std::make_shared<TlsServer>(std::move(identity).value());
    struct stat info {};
    if (!config.self_signed && stat(config.key.c_str(), &info) == 0 && (info.st_mode & (S_IROTH | S_IWOTH)))
        log_warning(config.key + ": everybody on this machine can read or change the key; chmod o= closes it");
    out->look(now);
    return out;
}

TlsKeeper::~TlsKeeper() {
    if (watch_)
        g_source_remove(watch_);
}

void TlsKeeper::watch() {
    watch_ = g_timeout_add_seconds(
        watch_seconds,
        [](gpointer self) -> gboolean {
            static_cast<TlsKeeper*>(self)->look(std::time(nullptr));
            return G_SOURCE_CONTINUE;
        },
        this);
}

void TlsKeeper::look(int64_t now) {
    // Two files are not replaced at the same time: they are read when nothing has moved between two looks.
    const Stamps at_present = stamps();
    if (at_present == std::exchange(seen_, at_present) && !(at_present == taken_))
        reload(now);
    const int64_t ends = server_->identity().ends();
    if (config_.self_signed && ends - now <= renew_before && warned_ != ends) {
        warned_ = ends;
        taken_ = {};
        reload(now);
    } else if (!config_.self_signed && ends - now <= warn_before && warned_ != ends) {
        warned_ = ends;
        log_warning(config_.certificate + ": the certificate " + (ends <= now ? "ended on " : "ends on ") +
                    utc_date(ends));
    }
}

void TlsKeeper::reload(int64_t now) {
    const Stamps at_present = stamps();
    if (at_present == taken_)
        return;
    auto identity = read_or_make(now);
    taken_ = seen_ = config_.self_signed ? stamps() : at_present;
    if (!identity) {
        log_error(identity.error().text + "; the certificate stays as it was");
        return;
    }
    if (identity.value()->fingerprint() == fingerprint())
        return;
    server_->replace(std::move(identity).value());
    log_info("the certificate is another now, SHA-256 " + fingerprint());
}

} // namespace sluice
