// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/import/go2rtc_source.hpp"

#include "launcher/config/url.hpp"

#include <gio/gio.h>

#include <algorithm>
#include <map>

namespace sluice {

namespace {

constexpr size_t max_text = 4096;

// What stands behind the address: "#timeout=5#video=copy#video=h264".
struct Options {
    std::multimap<std::string, std::string> values;
    bool has(const std::string& name) const { return values.count(name) != 0; }
    bool is(const std::string& name, const std::string& value) const {
        const auto [first, last] = values.equal_range(name);
        return std::any_of(first, last, [&](const auto& v) { return v.second == value; });
    }
    bool only(const std::string& name, const std::string& value) const {
        const auto [first, last] = values.equal_range(name);
        return std::all_of(first, last, [&](const auto& v) { return v.second == value; });
    }
};

Options split_options(std::string_view text) {
    Options out;
    while (!text.empty()) {
        const std::string_view item = text.substr(0, text.find('#'));
        text.remove_prefix(std::min(item.size() + 1, text.size()));
        const size_t equals = std::min(item.find('='), item.size());
        out.values.emplace(item.substr(0, equals), item.substr(std::min(equals + 1, item.size())));
    }
    return out;
}

bool is_loopback(const std::string& host) {
    const std::unique_ptr<GInetAddress, decltype(&g_object_unref)> address(
        host == "localhost" ? g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4)
                            : g_inet_address_new_from_string(host.c_str()),
        g_object_unref);
    return address && g_inet_address_get_is_loopback(address.get());
}

std::string query_value(const std::string& query, const std::string& name) {
    for (size_t at = 0; at < query.size();) {
        const size_t end = std::min(query.find('&', at), query.size());
        if (query.compare(at, name.size() + 1, name + "=") == 0)
            return query.substr(at + name.size() + 1, end - at - name.size() - 1);
        at = end + 1;
    }
    return {};
}

class Reader {
public:
    Reader(const Go2rtcImportContext& context, Variables::Masked masked)
        : context_(context), masked_(std::move(masked)) {}

    Go2rtcAddress read() {
        const size_t mark = std::min(masked_.text.find('#'), masked_.text.size());
        const std::string address = masked_.text.substr(0, mark);
        options_ = split_options(std::string_view(masked_.text).substr(std::min(mark + 1, masked_.text.size())));
        const std::string scheme = scheme_of(address);
        if (scheme == "ffmpeg")
            ffmpeg(address.substr(scheme.size() + 1));
        else if (scheme == "v4l2")
            device(address.substr(scheme.size() + 1));
        else
            network(scheme, address);
        return std::move(out_);
    }

private:
    void network(const std::string& scheme, const std::string& address) {
        // x at the end: TLS, and whatever certificate comes.
        const bool unchecked = scheme == "rtspx" || scheme == "httpx";
        const bool rtsp = scheme == "rtsp" || scheme == "rtsps" || scheme == "rtspx";
        if (!rtsp && scheme != "http" && scheme != "https" && scheme != "httpx") {
            const char* known = missing_kind(scheme);
            out_.why =
                known ? known : "sources of that kind are not known here, allowed: " + std::string(camera_url_allowed);
            return;
        }
        const std::string secure = unchecked ? scheme.substr(0, 4) + "s" + address.substr(scheme.size()) : address;
        AddressResult read = read_address(secure);
        if (!read.source && !masked_.found.empty()) { // variables in places where only their values can stand
            std::string missing;
            const std::string filled = context_.variables.fill(masked_, secure, missing);
            if (missing.empty()) {
                masked_.found.clear();
                read = read_address(filled);
            }
        }
        static_cast<AddressResult&>(out_) = std::move(read);
        if (!out_.source || !take_variables())
            return;
        std::string why;
        const auto url = parse_camera_url(out_.source->url, why);
        if (!url) {
            refuse("the address is none with the values of its variables: " + why);
            return;
        }
        // go2rtc's own RTSP server: the stream is here already.
        if (rtsp && is_loopback(url->host) && url->port == context_.rtsp_port) {
            const size_t slash = url->location.find('/', url->scheme.size() + 3);
            const std::string path = slash == std::string::npos ? "" : url->location.substr(slash + 1);
            const std::string name = path.substr(0, path.find_first_of("?#"));
            out_.source.reset();
            if (context_.streams.count(name))
                out_.variant_of = name;
            else
                refuse("it leads to go2rtc itself");
            return;
        }
        if (url->scheme == "rtsps" && !url->has_port)
            out_.source->url = with_port(*url, 554); // where go2rtc looks for it
        if (unchecked || (url->scheme == "rtsps" && g_hostname_is_ip_address(url->host.c_str())))
            out_.notes.emplace_back(certificate_note);
        if (rtsp)
            rtsp_options();
        else if (options_.has("header"))
            out_.notes.emplace_back("its own header fields are not sent");
    }

    void rtsp_options() {
        const auto [first, last] = options_.values.equal_range("transport");
        for (auto it = first; it != last; ++it) {
            if (it->second == "udp")
                out_.source->transport = "udp";
            else if (it->second.rfind("ws", 0) == 0)
                refuse(missing_kind("rtsp+ws"));
        }
        if (options_.is("media", "audio"))
            refuse("sound alone is not read, and one source plays at a time");
        else if (options_.has("media"))
            out_.notes.emplace_back("its sound is played, too");
        if (options_.is("backchannel", "1"))
            out_.notes.emplace_back("nobody can speak to the camera");
        if (options_.has("timeout"))
            out_.notes.emplace_back(
                "its timeout is left out: \"stall-timeout\" of the stream says when a source counts "
                "as lost");
    }

    void ffmpeg(const std::string& input) {
        out_.ffmpeg = true;
        if (context_.streams.count(input)) {
            out_.variant_of = input;
            return;
        }
        const bool video = options_.has("video"), audio = options_.has("audio");
        if (audio && !video) {
            out_.why = "sound alone is not read, and one source plays at a time";
            return;
        }
        if (input.find("://") != std::string::npos) {
            network(scheme_of(input), input);
            if (out_.source && options_.is("input", "rtsp/udp"))
                out_.source->transport = "udp";
        } else if (input.rfind("device?", 0) == 0) {
            device(input);
        } else if (input.rfind("virtual?", 0) == 0) {
            out_.source.emplace().url = "test:";
            out_.notes.emplace_back("is the test picture of Sluice now");
        } else if (!input.empty() && input.find('?') == std::string::npos) {
            std::string missing;
            const std::string path = context_.variables.fill(masked_, input, missing);
            if (missing.empty())
                static_cast<AddressResult&>(out_) = read_address("file:" + path);
            if (out_.source)
                out_.notes.emplace_back("is played again and again; a path that does not begin with / is looked for "
                                        "beside the configuration");
            else if (out_.why.empty())
                out_.why = missing_kind("ffmpeg");
        } else {
            out_.why = missing_kind("ffmpeg");
        }
        if (!out_.source)
            return;
        const bool encoded_anyway = out_.source->url.rfind("http", 0) == 0 || out_.source->url.rfind("test:", 0) == 0 ||
                                    out_.source->url.rfind("v4l2:", 0) == 0;
        const bool other_picture = options_.has("rotate") || options_.has("width") || options_.has("height") ||
                                   options_.has("drawtext") || options_.has("raw");
        if (other_picture || (!encoded_anyway && !options_.only("video", "copy")))
            out_.notes.emplace_back(
                "the picture is sent as the camera makes it, nothing is encoded anew: let the camera "
                "send H.264 in the size that is wanted");
    }

    void device(const std::string& text) {
        std::string missing;
        const std::string input = context_.variables.fill(masked_, text, missing);
        const size_t mark = std::min(input.find('?'), input.size());
        const std::string query = input.substr(std::min(mark + 1, input.size()));
        const std::string video = query_value(query, "video");
        if (input.substr(0, mark) != "device" || video.rfind("/dev/", 0) != 0) {
            out_.why = "only cameras of this machine with a device file are read: v4l2:///dev/videoN";
            return;
        }
        static_cast<AddressResult&>(out_) = read_address("v4l2://" + video);
        if (out_.source && query.find('&') != std::string::npos)
            out_.notes.emplace_back("its format is left out: \"parameters\" of the stream say the size");
    }

    // Puts the variables where they belong. False: it cannot be.
    bool take_variables() {
        ImportedSource& source = *out_.source;
        std::string missing;
        if (const auto name = Variables::only(masked_, source.password.reveal())) {
            source.variable = *name;
            source.password = Secret();
        } else {
            source.password = Secret(context_.variables.fill(masked_, source.password.reveal(), missing));
        }
        source.user = context_.variables.fill(masked_, source.user, missing);
        source.url = context_.variables.fill(masked_, source.url, missing);
        if (!missing.empty())
            refuse("the variable " + quote_for_message(missing) +
                   " is not set: set it as it is for go2rtc and import again");
        return missing.empty();
    }

    void refuse(std::string why) {
        out_.source.reset();
        if (out_.why.empty())
            out_.why = std::move(why);
    }

    const Go2rtcImportContext& context_;
    Variables::Masked masked_;
    Options options_;
    Go2rtcAddress out_;
};

} // namespace

Go2rtcAddress read_go2rtc_source(const std::string& text, const Go2rtcImportContext& context) {
    if (text.size() > max_text) {
        Go2rtcAddress out;
        out.why = "it is longer than 4096 characters";
        return out;
    }
    return Reader(context, context.variables.mask(text)).read();
}

} // namespace sluice
