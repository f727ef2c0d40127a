// SPDX-License-Identifier: LGPL-2.1-or-later
// What is understood of another program's configuration, as plain data.
#pragma once

#include "launcher/config/config.hpp"
#include "plugins/core/json_text.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

struct ImportedSource {
    std::string url; // never with user or password
    std::string user;
    Secret password;
    std::string variable;  // of the environment, that holds the password already
    std::string transport; // empty: the usual one
    std::string fingerprint;
};

// One stream of the other program; one camera here, or a part of one.
struct ImportedStream {
    std::string name;
    unsigned line = 1;
    std::string where; // as Remark's
    std::vector<ImportedSource> sources;
    bool on_demand = false;
};

// Somebody who may log in; passwords are set anew.
struct ImportedAccount {
    std::string user;
    std::vector<std::string> actions; // empty: those that an account has anyway
    std::vector<std::string> streams; // empty: all
};

// Something that is different now, or not there: where it stands, why, what to do. Never holds a secret.
struct Remark {
    unsigned line;     // 0: nowhere
    std::string where; // JSON pointer into the YAML document
    std::string text;
};

struct Imported {
    Json server = Json::object();
    std::vector<ImportedStream> streams;
    std::vector<ImportedAccount> accounts;
    std::vector<Remark> remarks;

    void remark(unsigned line, std::string where, std::string text) {
        remarks.push_back({line, std::move(where), std::move(text)});
    }
};

struct ImportOptions {
    bool on_demand = false; // keep to contact cameras only while somebody watches
    bool separate = false;  // front and front_sub stay two cameras
};

// pointer + "/" + name, without anything in it that looks like a password.
std::string import_pointer(const std::string& pointer, std::string_view name);

} // namespace sluice
