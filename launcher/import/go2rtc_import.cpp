// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/url.hpp"
#include "launcher/import/format_import.hpp"
#include "launcher/import/go2rtc_source.hpp"
#include "launcher/import/import_support.hpp"

#include <gio/gio.h>

#include <charconv>
#include <set>

namespace sluice {

namespace {

constexpr size_t max_given = 4096; // of one variable
constexpr uint16_t usual_rtsp_port = 8554;

std::optional<int64_t> number_of(const YamlNode& node) {
    const std::string* text = node.scalar();
    int64_t value = 0;
    if (!text)
        return std::nullopt;
    const auto parsed = std::from_chars(text->data(), text->data() + text->size(), value);
    return parsed.ec == std::errc() && parsed.ptr == text->data() + text->size() ? std::optional(value) : std::nullopt;
}

std::map<std::string, std::string> given_variables(const YamlNode& root) {
    std::map<std::string, std::string> out;
    if (const YamlNode* env = root.find("env"))
        for (const YamlNode::Field& field : env->fields)
            if (const std::string* value = field.value.scalar(); value && value->size() <= max_given)
                out[field.name] = *value;
    return out;
}

class Go2rtc {
public:
    Go2rtc(const YamlNode& root, const ImportOptions& options, const Variables::Environment& environment)
        : root_(root), options_(options), variables_(given_variables(root), environment) {}

    Imported read() {
        for (const YamlNode::Field& field : root_.fields)
            section(field.name, field.value);
        if (!root_.find("api"))
            api_port_note(0, "/api");
        return std::move(out_);
    }

private:
    void section(const std::string& name, const YamlNode& value) {
        const std::string where = import_pointer("", name);
        if (name == "streams")
            streams(value);
        else if (name == "api")
            api(value);
        else if (name == "rtsp")
            rtsp(value);
        else if (name == "webrtc")
            webrtc(value);
        else if (name == "preload" || name == "env")
            ; // read with the streams
        else if (value.is_null())
            ;
        else if (name == "ffmpeg" || name == "exec" || name == "echo")
            out_.remark(value.line, where, "no program is started for streams: left out");
        else if (name == "log")
            out_.remark(value.line, where, "what happens is written to standard error (the journal): left out");
        else if (name == "publish")
            out_.remark(value.line, where, "streams are not sent on to other servers: left out");
        else if (name == "homekit" || name == "hass" || name == "onvif" || name == "rtmp" || name == "srtp" ||
                 name == "webtorrent" || name == "hls" || name == "mp4" || name == "mjpeg" || name == "wyoming" ||
                 name == "ngrok" || name == "pinggy" || name == "tuya" || name == "wyze" || name == "xiaomi" ||
                 name == "roborock" || name == "ring" || name == "nest")
            out_.remark(value.line, where, "there is nothing like it here: left out");
        else
            out_.remark(value.line, where, "this section is not known: left out");
    }

    std::string filled(const std::string& text) const {
        std::string missing;
        return variables_.fill(variables_.mask(text), variables_.mask(text).text, missing);
    }
    // The text of a field, its variables in place; empty: none.
    std::string text(const YamlNode& parent, const char* name) const {
        const YamlNode* node = parent.find(name);
        const std::string* found = node ? node->scalar() : nullptr;
        return found && found->size() <= max_given ? filled(*found) : std::string();
    }
    static unsigned line_of(const YamlNode& parent, const char* name) {
        const YamlNode* node = parent.find(name);
        return node ? node->line : parent.line;
    }

    void account(const YamlNode& section, const std::string& where, const std::string& name) {
        const std::string user = text(section, "username");
        if (user.empty())
            return;
        out_.remark(line_of(section, "username"), where + "/username",
                    name + ": passwords are kept as hashes, apart from the configuration: make the account with the "
                           "command below");
        if (accounts_.insert(user).second)
            out_.accounts.push_back({user, {"view", "snapshot", "operate"}, {}});
    }

    void api_port_note(unsigned line, const std::string& where) {
        out_.remark(line, where,
                    "go2rtc's usual port is 1984, Sluice's is 8080: with \"port\": 1984 in \"server\" dashboards keep "
                    "the address they have");
    }

    void api(const YamlNode& value) {
        const std::string listen = text(value, "listen");
        const unsigned line = line_of(value, "listen");
        if (const auto address = read_listen(listen)) {
            out_.server["port"] = address->port;
            if (!address->address.empty())
                out_.server["address"] = address->address;
        } else if (!listen.empty()) {
            out_.remark(line, "/api/listen",
                        "not of the form ADDRESS:PORT: give \"address\" and \"port\" in \"server\"");
        } else if (!value.find("listen")) {
            api_port_note(value.line, "/api");
        }
        account(value, "/api", "the login");
        for (const YamlNode::Field& field : value.fields) {
            const std::string where = import_pointer("/api", field.name);
            const std::string& name = field.name;
            if (name == "listen" || name == "username" || name == "password" || field.value.is_null())
                continue;
            if (name == "tls_listen" || name == "tls_cert" || name == "tls_key")
                out_.remark(field.value.line, where,
                            "certificate and key are not taken over: give the paths of their files as \"tls\" in "
                            "\"server\", or let a proxy do TLS");
            else if (name == "base_path")
                out_.remark(field.value.line, where,
                            "the proxy that adds this path has to take it away again (\"path-prefix\" in \"server\")");
            else if (name == "origin")
                out_.remark(
                    field.value.line, where,
                    "only pages of this server may ask with a login, and those of \"allowed-origins\" in \"server\"");
            else if (name == "local_auth")
                out_.remark(field.value.line, where,
                            "credentials are asked for from everywhere, also from this machine");
            else
                out_.remark(field.value.line, where, "there is nothing like it here: left out");
        }
    }

    void rtsp(const YamlNode& value) {
        if (const auto address = read_listen(text(value, "listen")))
            rtsp_port_ = address->port;
        if (value.find("listen") || value.find("default_query") || value.find("pkt_size"))
            out_.remark(value.line, "/rtsp", "streams are not served over RTSP: viewers use WebRTC");
        account(value, "/rtsp", "the login of RTSP");
    }

    void webrtc(const YamlNode& value) {
        for (const YamlNode::Field& field : value.fields) {
            const std::string where = import_pointer("/webrtc", field.name);
            const unsigned line = field.value.line;
            if (field.name == "listen")
                webrtc_listen(field.value);
            else if (field.name == "ice_servers")
                for (size_t i = 0; i < field.value.items.size(); i++) {
                    if (const YamlNode* urls = field.value.items[i].find("urls"))
                        import_ice_servers(out_, import_list(*urls), json_pointer(where, std::to_string(i)) + "/urls");
                }
            else if (field.name == "filters")
                filters(field.value);
            else if (field.name == "candidates" && !import_list(field.value).empty())
                out_.remark(line, where,
                            "addresses outside of this machine cannot be told to viewers: route to this machine, ask a "
                            "STUN server (\"stun-server\"), or use a VPN");
            else if (field.name != "candidates" && !field.value.is_null())
                out_.remark(line, where, "there is nothing like it here: left out");
        }
    }

    void webrtc_listen(const YamlNode& value) {
        const std::string* text = value.scalar();
        if (!text)
            return;
        if (!text->ends_with("/udp"))
            out_.server["webrtc"]["ice-tcp"] = true;
        if (!text->ends_with("/tcp"))
            out_.remark(value.line, "/webrtc/listen",
                        "each viewer has a UDP port of its own: open a range in the firewall and give it as "
                        "\"min-rtp-port\" and \"max-rtp-port\" in \"server\", \"webrtc\"");
    }

    void filters(const YamlNode& value) {
        for (const YamlNode::Field& field : value.fields) {
            const std::string where = import_pointer("/webrtc/filters", field.name);
            const auto& items = field.value.items;
            if (field.name == "udp_ports" && items.size() == 2) {
                const auto low = number_of(items[0]), high = number_of(items[1]);
                if (low && high && *low >= 1024 && *low <= *high && *high <= 65535) {
                    out_.server["webrtc"]["min-rtp-port"] = *low;
                    out_.server["webrtc"]["max-rtp-port"] = *high;
                    continue;
                }
                out_.remark(field.value.line, where, "not two ports from 1024 to 65535, the lower one first: left out");
            } else if (field.name == "ips" && !items.empty()) {
                for (const YamlNode& item : items) {
                    if (const std::string* ip = item.scalar(); ip && g_hostname_is_ip_address(ip->c_str()))
                        out_.server["webrtc"]["ice-addresses"].push_back(*ip);
                    else
                        out_.remark(item.line, where, "not an IP address: left out");
                }
            } else if (!field.value.is_null()) {
                out_.remark(
                    field.value.line, where,
                    "there is no such filter: \"ice-addresses\" in \"server\", \"webrtc\" says which addresses are "
                    "offered");
            }
        }
    }

    void streams(const YamlNode& value) {
        if (!value.is_map()) {
            out_.remark(value.line, "/streams", "not a map of streams: left out");
            return;
        }
        std::set<std::string> names;
        for (const YamlNode::Field& field : value.fields)
            names.insert(field.name);
        if (const YamlNode* listen = root_.find("rtsp"))
            if (const auto address = read_listen(text(*listen, "listen")))
                rtsp_port_ = address->port;
        if (!options_.on_demand && !value.fields.empty())
            out_.remark(value.line, "/streams",
                        "cameras are contacted always, so that the picture is there at once; --on-demand contacts them "
                        "only while somebody watches, as go2rtc does");
        const Go2rtcImportContext context{variables_, names, rtsp_port_};
        for (const YamlNode::Field& field : value.fields)
            stream(field.name, field.value, context);
    }

    void stream(const std::string& name, const YamlNode& value, const Go2rtcImportContext& context) {
        ImportedStream stream{name, value.line, import_pointer("/streams", name), {}, false};
        const YamlNode* preload = root_.find("preload");
        stream.on_demand = options_.on_demand && !(preload && preload->find(name));
        const YamlNode* list = value.is_map() ? value.find("url") : &value;
        if (!list || list->is_null() || (list->is_list() && list->items.empty())) {
            out_.remark(value.line, stream.where, "waits for somebody to send it, which cannot be done here: left out");
            return;
        }
        const std::vector<const YamlNode*> items = import_list(*list);
        for (size_t i = 0; i < items.size(); i++)
            source(*items[i], list->is_list() ? json_pointer(stream.where, std::to_string(i)) : stream.where, stream,
                   context);
        if (stream.sources.empty()) {
            if (items.size() > 1)
                out_.remark(value.line, stream.where, "no source is left: there is no such camera in the result");
            return;
        }
        if (stream.sources.size() > 1)
            out_.remark(value.line, stream.where,
                        "its sources are tried in this order and one plays at a time; they are not mixed (sound of one "
                        "with the picture of another)");
        out_.streams.push_back(std::move(stream));
    }

    void source(const YamlNode& node, const std::string& where, ImportedStream& stream,
                const Go2rtcImportContext& context) {
        const std::string* text = node.scalar();
        if (!text) {
            out_.remark(node.line, where, "not an address: left out");
            return;
        }
        Go2rtcAddress read = read_go2rtc_source(*text, context);
        if (!read.variant_of.empty()) {
            out_.remark(node.line, where,
                        read.variant_of == stream.name
                            ? "left out: it encodes the stream anew, while here sound is made playable for browsers by "
                              "itself, and pictures are sent as the camera makes them (let it send H.264)"
                            : "left out: it is made of the stream " + quote_for_message(read.variant_of) +
                                  ", which dashboards can show instead");
            return;
        }
        if (!read.source) {
            out_.remark(node.line, where, "left out: " + read.why);
            return;
        }
        const bool ffmpeg = read.ffmpeg && read.source->url != "test:";
        if (!add_source(stream, std::move(*read.source))) {
            out_.remark(node.line, where,
                        stream.sources.size() >= max_sources ? "left out: a stream has at most 8 sources"
                                                             : "left out: it is the address of a source before it");
            return;
        }
        if (ffmpeg)
            out_.remark(node.line, where, "is read without FFmpeg");
        for (const std::string& note : read.notes)
            out_.remark(node.line, where, note);
    }

    const YamlNode& root_;
    const ImportOptions& options_;
    const Variables variables_;
    uint16_t rtsp_port_ = usual_rtsp_port;
    std::set<std::string> accounts_;
    Imported out_;
};

} // namespace

Imported import_go2rtc(const YamlNode& root, const ImportOptions& options, const Variables::Environment& environment) {
    return Go2rtc(root, options, environment).read();
}

} // namespace sluice
