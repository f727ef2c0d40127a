// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/import/yaml_tree.hpp"

#include <yaml.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace sluice {

namespace {

struct Stop {
    yaml_mark_t mark;
    std::string why;
};

// Empty if there is none.
std::string name_of(const yaml_char_t* anchor) { return anchor ? reinterpret_cast<const char*>(anchor) : ""; }

unsigned depth_of(const YamlNode& node) {
    unsigned deepest = 0;
    for (const YamlNode& item : node.items)
        deepest = std::max(deepest, depth_of(item));
    for (const YamlNode::Field& field : node.fields)
        deepest = std::max(deepest, depth_of(field.value));
    return deepest + 1;
}

size_t cost_of(std::string_view text) { return 1 + text.size() / 16; }

size_t cost_of(const YamlNode& node) {
    size_t cost = cost_of(node.text);
    for (const YamlNode& item : node.items)
        cost += cost_of(item);
    for (const YamlNode::Field& field : node.fields)
        cost += cost_of(field.name) + cost_of(field.value);
    return cost;
}

// Events instead of the library's own documents: with those an alias may stand for any number of others.
class TreeBuilder {
public:
    void add(const yaml_event_t& event) {
        const yaml_mark_t& mark = event.start_mark;
        switch (event.type) {
        case YAML_SCALAR_EVENT: leaf(mark, name_of(event.data.scalar.anchor), scalar(event)); break;
        case YAML_ALIAS_EVENT: alias(mark, name_of(event.data.alias.anchor)); break;
        case YAML_SEQUENCE_START_EVENT:
            open(mark, name_of(event.data.sequence_start.anchor), YamlNode::Kind::list);
            break;
        case YAML_MAPPING_START_EVENT: open(mark, name_of(event.data.mapping_start.anchor), YamlNode::Kind::map); break;
        case YAML_MAPPING_END_EVENT:
            merge(levels_.back());
            close();
            break;
        case YAML_SEQUENCE_END_EVENT: close(); break;
        case YAML_DOCUMENT_START_EVENT:
            if (std::exchange(begun_, true))
                throw Stop{mark, "found a second document (---), allowed: one"};
            break;
        default: break;
        }
    }

    YamlNode take() { return std::move(root_); }

private:
    static constexpr const char* too_deep = "found more than 32 levels, allowed: at most 32";

    static YamlNode scalar(const yaml_event_t& event) {
        YamlNode node;
        node.text.assign(reinterpret_cast<const char*>(event.data.scalar.value), event.data.scalar.length);
        const bool plain = event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        const bool null = plain && (node.text.empty() || node.text == "~" || node.text == "null" ||
                                    node.text == "Null" || node.text == "NULL");
        node.kind = null ? YamlNode::Kind::null : YamlNode::Kind::scalar;
        return node;
    }

    void alias(const yaml_mark_t& mark, const std::string& anchor) {
        const auto known = anchors_.find(anchor);
        if (known == anchors_.end()) // also one that stands for what it is in
            throw Stop{mark, "found an alias for something that is not complete, allowed: what stands before it"};
        if (levels_.size() + known->second.depth > max_yaml_depth)
            throw Stop{mark, too_deep};
        spend(mark, known->second.cost);
        place(mark, known->second.node);
    }

    struct Level {
        YamlNode node;
        std::string anchor;
        yaml_mark_t mark{};
        std::string key;
        bool has_key = false;
        std::set<std::string> names;
        std::vector<YamlNode> merged; // values of "<<"
    };
    struct Anchor {
        YamlNode node;
        unsigned depth = 1;
        size_t cost = 1;
    };

    void spend(const yaml_mark_t& mark, size_t cost) {
        spent_ += cost;
        if (spent_ > max_yaml_cost)
            throw Stop{mark, "found too much (aliases count as what they stand for), allowed: about 100000 values"};
    }
    void remember(const yaml_mark_t& mark, const std::string& anchor, const YamlNode& node) {
        if (anchor.empty())
            return;
        const size_t cost = cost_of(node);
        spend(mark, cost); // it is a copy
        anchors_[anchor] = {node, depth_of(node), cost};
    }

    void leaf(const yaml_mark_t& mark, const std::string& anchor, YamlNode node) {
        spend(mark, cost_of(node.text));
        if (levels_.size() >= max_yaml_depth)
            throw Stop{mark, too_deep};
        node.line = static_cast<unsigned>(mark.line + 1);
        remember(mark, anchor, node);
        place(mark, std::move(node));
    }

    void open(const yaml_mark_t& mark, const std::string& anchor, YamlNode::Kind kind) {
        spend(mark, 1);
        if (levels_.size() + 1 >= max_yaml_depth)
            throw Stop{mark, too_deep};
        if (!levels_.empty() && levels_.back().node.is_map() && !levels_.back().has_key)
            throw Stop{mark, "found a list or a map as the name of a field, allowed: a text"};
        Level level;
        level.node.kind = kind;
        level.node.line = static_cast<unsigned>(mark.line + 1);
        level.anchor = anchor;
        level.mark = mark;
        levels_.push_back(std::move(level));
    }

    void close() {
        Level level = std::move(levels_.back());
        levels_.pop_back();
        remember(level.mark, level.anchor, level.node);
        place(level.mark, std::move(level.node));
    }

    void place(const yaml_mark_t& mark, YamlNode node) {
        if (levels_.empty()) {
            root_ = std::move(node);
            return;
        }
        Level& level = levels_.back();
        if (level.node.is_list()) {
            level.node.items.push_back(std::move(node));
        } else if (!level.has_key) {
            if (node.kind != YamlNode::Kind::scalar && !node.is_null())
                throw Stop{mark, "found a list or a map as the name of a field, allowed: a text"};
            level.key = std::move(node.text);
            level.has_key = true;
            if (level.key != "<<" && !level.names.insert(level.key).second)
                throw Stop{mark, "found the same name twice in one map, allowed: each name once"};
        } else {
            level.has_key = false;
            if (level.key == "<<")
                level.merged.push_back(std::move(node));
            else
                level.node.fields.push_back({std::move(level.key), std::move(node)});
        }
    }

    // "<<: *defaults": what the map does not say itself.
    void merge(Level& level) {
        const auto take_fields = [&](YamlNode& from) {
            if (!from.is_map())
                throw Stop{level.mark, "found a merge (<<) of what is no map, allowed: a map or a list of maps"};
            for (YamlNode::Field& field : from.fields)
                if (level.names.insert(field.name).second)
                    level.node.fields.push_back(std::move(field));
        };
        for (YamlNode& value : level.merged) {
            if (value.is_list())
                std::for_each(value.items.begin(), value.items.end(), take_fields);
            else
                take_fields(value);
        }
    }

    YamlNode root_;
    std::vector<Level> levels_;
    std::map<std::string, Anchor> anchors_;
    bool begun_ = false;
    size_t spent_ = 0;
};

struct Parser {
    yaml_parser_t parser{};
    bool made = yaml_parser_initialize(&parser) == 1;
    Parser() = default;
    Parser(const Parser&) = delete;
    Parser& operator=(const Parser&) = delete;
    ~Parser() {
        if (made)
            yaml_parser_delete(&parser);
    }
};

struct Event {
    yaml_event_t event{};
    ~Event() { yaml_event_delete(&event); }
};

Error bad_yaml(const yaml_mark_t& mark, const std::string& why) {
    return {ErrorKind::bad_config, std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1) + ": " + why};
}

} // namespace

const YamlNode* YamlNode::find(std::string_view name) const {
    const auto it = std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == name; });
    return it == fields.end() ? nullptr : &it->value;
}

std::optional<bool> YamlNode::boolean() const {
    if (kind != Kind::scalar)
        return std::nullopt;
    for (const char* word : {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
        if (text == word)
            return true;
    for (const char* word : {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
        if (text == word)
            return false;
    return std::nullopt;
}

Result<YamlNode> parse_yaml(std::string_view text) {
    if (text.size() > max_yaml_bytes)
        return Error{ErrorKind::bad_config, "1:1: found more than 1 MiB, allowed: at most that"};
    if (text.find('\0') != std::string_view::npos)
        return Error{ErrorKind::bad_config, "1:1: found a NUL character, allowed: text in UTF-8"};
    Parser parser;
    if (!parser.made)
        return Error{ErrorKind::internal, "1:1: out of memory"};
    yaml_parser_set_input_string(&parser.parser, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    TreeBuilder builder;
    try {
        for (bool more = true; more;) {
            Event next;
            if (!yaml_parser_parse(&parser.parser, &next.event)) {
                // The library's words are its own, never the text's.
                const char* problem = parser.parser.problem ? parser.parser.problem : "it cannot be read";
                return bad_yaml(parser.parser.problem_mark, std::string("not YAML: ") + problem);
            }
            more = next.event.type != YAML_STREAM_END_EVENT;
            builder.add(next.event);
        }
    } catch (const Stop& stop) {
        return bad_yaml(stop.mark, stop.why);
    }
    return builder.take();
}

} // namespace sluice
