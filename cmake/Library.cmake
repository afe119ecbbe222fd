# `cmake --install` gives the core as a library with one public header: find_package(ferryman),
# ferryman::ferryman. Shared, with nothing visible but what the header declares, so that users need
# none of the libraries that it is made with.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

add_library(ferryman SHARED ${PROJECT_SOURCE_DIR}/src/api/ferryman.cc)
add_library(ferryman::ferryman ALIAS ferryman)
target_link_libraries(ferryman PRIVATE ferryman_core ferryman_flags)
target_link_options(ferryman PRIVATE -Wl,--exclude-libs,ALL)
target_compile_definitions(ferryman PRIVATE FERRYMAN_VERSION="${PROJECT_VERSION}")
target_compile_features(ferryman INTERFACE cxx_std_20)
target_include_directories(ferryman PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
set_target_properties(ferryman PROPERTIES VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)

install(TARGETS ferryman EXPORT ferryman COMPONENT library)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ferryman TYPE INCLUDE COMPONENT library)
install(EXPORT ferryman NAMESPACE ferryman:: FILE ferrymanConfig.cmake COMPONENT library
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/ferryman)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ferrymanConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ferrymanConfigVersion.cmake COMPONENT library
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/ferryman)
