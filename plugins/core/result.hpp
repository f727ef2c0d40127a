// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/error_kind.hpp"

#include <utility>
#include <variant>

namespace sluice {

// A value or an Error. g++ 12 has no std::expected in C++20.
template <typename T> class [[nodiscard]] Result {
public:
    Result(T value) : v_(std::in_place_index<0>, std::move(value)) {}     // NOLINT: converting on purpose
    Result(Error error) : v_(std::in_place_index<1>, std::move(error)) {} // NOLINT
    explicit operator bool() const { return v_.index() == 0; }
    T& value() & { return std::get<0>(v_); }
    const T& value() const& { return std::get<0>(v_); }
    T&& value() && { return std::get<0>(std::move(v_)); }
    T* operator->() { return &std::get<0>(v_); }
    const T* operator->() const { return &std::get<0>(v_); }
    const Error& error() const { return std::get<1>(v_); }

private:
    std::variant<T, Error> v_;
};

} // namespace sluice
